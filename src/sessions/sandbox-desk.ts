import type { Call } from "../core/call.ts";
import type { Provider } from "../core/provider.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import type { PortAddress } from "../core/sandbox.ts";
import type { Clock } from "./clock.ts";
import type { SavedImage } from "./cloud-records.ts";
import type { SessionRecord, Target } from "./records.ts";
import type { SessionPool } from "./session-pool.ts";

/** What dealing with sandboxes themselves needs. */
export interface SandboxDeskDeps {
  readonly pool: SessionPool;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly clock: Clock;
  readonly newCall: () => Call;
}

/** What some providers can do with a session's sandbox besides running commands in it. */
export class SandboxDesk {
  readonly #deps: SandboxDeskDeps;

  constructor(deps: SandboxDeskDeps) {
    this.#deps = deps;
  }

  async openPort(sessionId: string, port: number): Promise<PortAddress> {
    const call = this.#deps.newCall();
    const { sandbox } = await this.#deps.pool.open(sessionId, call);
    if (!sandbox.ports) throw new SandboxError("unsupported", "This provider opens no ports. Choose another provider.");
    return await sandbox.ports.open(port, call);
  }

  async saveImage(_sessionId: string): Promise<SavedImage> {
    throw new SandboxError("unsupported", "This provider keeps no images.");
  }

  async pause(_sessionId: string): Promise<SessionRecord> {
    throw new SandboxError("unsupported", "This provider cannot pause.");
  }

  async resume(_sessionId: string): Promise<SessionRecord> {
    throw new SandboxError("unsupported", "This provider cannot pause.");
  }
}
