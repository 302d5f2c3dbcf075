import { type Call, toCleanupCall } from "../core/call.ts";
import type { ImageOffer, Provider } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { PortAddress } from "../core/sandbox.ts";
import { checkTarget } from "./check-request.ts";
import type { SavedImage } from "./cloud-records.ts";
import type { SessionRecord, Target } from "./records.ts";
import type { SessionPool } from "./session-pool.ts";

/** What dealing with sandboxes themselves needs. */
export interface SandboxDeskDeps {
  readonly pool: SessionPool;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly newCall: () => Call;
}

/** How long a provider is asked to keep an image. */
const IMAGE_TTL_MS = 30 * 24 * 60 * 60_000;
// The provider may be writing it yet.
const EXIT_IMAGE_MS = 2 * 60_000;
const MAX_PORT = 65_535;

/** What some providers can do with a session's sandbox besides running commands in it. */
export class SandboxDesk {
  readonly #deps: SandboxDeskDeps;

  constructor(deps: SandboxDeskDeps) {
    this.#deps = deps;
  }

  async listImages(target: Target): Promise<readonly ImageOffer[]> {
    checkTarget(target);
    const provider = await this.#deps.loadProvider(target);
    return (await provider.listImages?.(this.#deps.newCall())) ?? [];
  }

  async openPort(sessionId: string, port: number): Promise<PortAddress> {
    if (!Number.isInteger(port) || port < 1 || port > MAX_PORT)
      throw new SandboxError("invalid", `A port is a whole number from 1 to ${MAX_PORT}.`);
    const call = this.#deps.newCall();
    const { sandbox } = await this.#deps.pool.open(sessionId, call);
    if (!sandbox.ports) throw new SandboxError("unsupported", "This provider opens no ports. Choose another provider.");
    return await sandbox.ports.open(port, call);
  }

  async saveImage(sessionId: string): Promise<SavedImage> {
    const call = this.#deps.newCall();
    const session = await this.#deps.pool.open(sessionId, call);
    const { images } = session.sandbox;
    if (!images) throw new SandboxError("unsupported", "This provider keeps no images. Take a snapshot instead.");
    // Half of a push is no state to start from.
    const { id, expiresAt } = await session.lock(() => images.save(IMAGE_TTL_MS, call), call.signal);
    const { providerId } = session.record.target;
    return { id, providerId, ...(expiresAt ? { expiresAt: expiresAt.toISOString() } : {}) };
  }

  /** Looks, in the background, for the image that a sandbox left which ended by itself, where its target asked for one. */
  noteLost(record: SessionRecord): void {
    if (record.target.options["exitSnapshot"] !== "true" || record.sandboxId === undefined) return;
    const call = this.#deps.newCall();
    this.#findExitImage(record.id, record.sandboxId, call).catch((error: unknown) =>
      call.logger.warn(`The image that a sandbox left could not be found: ${toMessage(error)}`),
    );
  }

  async #findExitImage(sessionId: string, sandboxId: string, call: Call): Promise<void> {
    const { pool, loadProvider } = this.#deps;
    const { target } = pool.find(sessionId) ?? {};
    const provider = target && (await loadProvider(target));
    const image = await provider?.findExitImage?.(sandboxId, toCleanupCall(call, EXIT_IMAGE_MS));
    // It may have been forgotten meanwhile.
    const record = pool.find(sessionId);
    if (image && record) await pool.save({ ...record, exitImage: image.id });
  }
}
