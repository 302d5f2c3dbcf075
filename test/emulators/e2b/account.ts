import path from "node:path";
import type { Spawner } from "../shared/spawner.ts";
import { ApiError, toNotFound } from "./api-error.ts";
import type { Faults } from "./faults.ts";
import type { NewSandbox, Template, Timed } from "./messages.ts";
import { EmulatedSandbox } from "./sandbox.ts";
import { type Templates, newId, toSnapshotId } from "./templates.ts";
import { findUser } from "./users.ts";
import { removePath } from "./envd/file-tools.ts";

/** What limits the account. */
interface AccountLimits {
  /** How many sandboxes may run at once. */
  readonly maxSandboxes: number;
  readonly maxCreatesPerSecond: number;
  /** How long a sandbox may live. */
  readonly maxHours: number;
  /** Whether connecting shortens a life that has longer to go, as E2B's first servers did. */
  readonly connectShortens: boolean;
}

/** What all sandboxes share. */
interface AccountHost {
  readonly templates: Templates;
  readonly spawner: Spawner;
  readonly faults: Faults;
  readonly limits: AccountLimits;
}

/** What a list is asked for. */
interface ListQuery {
  readonly metadata: ReadonlyMap<string, string>;
  readonly states: readonly string[];
  readonly startedAfter: Date | undefined;
  readonly template: string | undefined;
}

const DEFAULT_SECONDS = 300;

/** All sandboxes of the account, from their creation on, ended ones included. */
export class Account {
  readonly templates: Templates;
  readonly #host: AccountHost;
  readonly #folder: string;
  readonly #sandboxes = new Map<string, EmulatedSandbox>();
  #createdAt: number[] = [];

  /** Sandboxes get a folder each below `folder`. */
  constructor(folder: string, host: AccountHost) {
    this.#folder = folder;
    this.#host = host;
    this.templates = host.templates;
  }

  /** Oldest first. */
  get sandboxes(): readonly EmulatedSandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** @throws ApiError 400, 404 without the template, 429 at a limit */
  async create(create: NewSandbox, defaults: { readonly seconds: number; readonly isSecure: boolean }) {
    const seconds = create.timeout ?? defaults.seconds;
    this.#checkTime(seconds);
    this.#checkRate();
    const template = this.templates.get(create.templateID);
    return this.#add(template, create, { seconds, isSecure: create.secure ?? defaults.isSecure });
  }

  /** One that has not ended. @throws ApiError 404 */
  get(id: string): EmulatedSandbox {
    const sandbox = this.#sandboxes.get(id.split("-")[0] ?? "");
    if (!sandbox || sandbox.state === "ended") throw toNotFound(id);
    return sandbox;
  }

  /** Whether it ran before. Resumes it when it is paused. @throws ApiError 400, 404, 429 */
  async connect(id: string, { timeout = DEFAULT_SECONDS, memory = true }: Timed, method: string): Promise<boolean> {
    this.#checkTime(timeout);
    const sandbox = this.get(id);
    if (sandbox.state === "running") {
      sandbox.keepAlive(timeout, this.#host.limits.connectShortens);
      return true;
    }
    this.#checkRoom(1);
    const { faults } = this.#host;
    const keptMemory = sandbox.pausedWithMemory;
    const isReboot = !memory || !keptMemory || faults.take("lose-memory", method) !== undefined;
    await sandbox.resume({ seconds: timeout, isReboot });
    const loss = faults.take("lose-files", method);
    const root = findUser("root");
    if (loss && root) await removePath(sandbox, loss.path, root);
    return false;
  }

  /** @throws ApiError 400, 404 */
  setTimeout(id: string, seconds: number): void {
    this.#checkTime(seconds);
    this.get(id).keepAlive(Math.max(0, seconds), true);
  }

  /** Keeps its files as a template of the account; its processes are not kept. @throws ApiError 404, 409 */
  async snapshot(id: string, name: string | undefined): Promise<Template> {
    const sandbox = this.get(id);
    const { template: base } = sandbox.parts;
    return this.templates.save({ name, sandboxId: id, base, fill: (folder) => sandbox.save(folder) });
  }

  /** New sandboxes with the files that one has now, as many as there is room for. @throws ApiError 400, 404, 409 */
  async fork(id: string, { timeout = DEFAULT_SECONDS, count = 1 }: Timed & { readonly count?: number }) {
    this.#checkTime(timeout);
    const { create, isSecure } = this.get(id).parts;
    const snapshot = await this.snapshot(id, undefined);
    const forks = await Promise.allSettled(
      Array.from({ length: count }, async () => this.#add(snapshot, create, { seconds: timeout, isSecure })),
    );
    await this.templates.delete(toSnapshotId(snapshot));
    return forks;
  }

  /** Newest first. */
  list({ metadata, states, startedAfter, template }: ListQuery): EmulatedSandbox[] {
    const wanted = template === undefined ? undefined : this.templates.get(template).id;
    return this.sandboxes
      .filter((sandbox) => states.includes(sandbox.state))
      .filter(({ parts }) => [...metadata].every(([key, value]) => parts.create.metadata?.[key] === value))
      .filter(({ startedAt }) => startedAfter === undefined || startedAt >= startedAfter)
      .filter(({ parts }) => wanted === undefined || parts.template.id === wanted)
      .sort((one, other) => other.startedAt.getTime() - one.startedAt.getTime());
  }

  /** Ends all that there are. */
  async close(): Promise<void> {
    await Promise.all(this.sandboxes.map((sandbox) => sandbox.kill()));
  }

  async #add(
    template: Template,
    create: NewSandbox,
    { seconds, isSecure }: { readonly seconds: number; readonly isSecure: boolean },
  ): Promise<EmulatedSandbox> {
    this.#checkRoom(1);
    const id = newId();
    const { spawner } = this.#host;
    const sandbox = new EmulatedSandbox({
      id,
      template,
      create,
      isSecure,
      spawner,
      folder: path.join(this.#folder, id),
    });
    this.#sandboxes.set(id, sandbox);
    await sandbox.begin(seconds);
    return sandbox;
  }

  #checkTime(seconds: number): void {
    const { maxHours } = this.#host.limits;
    if (seconds > maxHours * 3600) throw new ApiError(400, `Timeout cannot be greater than ${maxHours} hours`);
  }

  #checkRoom(wanted: number): void {
    const { maxSandboxes } = this.#host.limits;
    const running = this.sandboxes.filter((sandbox) => sandbox.state === "running").length;
    if (running + wanted <= maxSandboxes) return;
    const limit = `you have reached the maximum number of concurrent E2B sandboxes (${maxSandboxes})`;
    throw new ApiError(429, `${limit}. If you need more, please contact us`);
  }

  #checkRate(): void {
    const now = Date.now();
    this.#createdAt = this.#createdAt.filter((at) => at > now - 1000);
    if (this.#createdAt.length >= this.#host.limits.maxCreatesPerSecond) {
      throw new ApiError(429, "Rate limit exceeded", 1);
    }
    this.#createdAt.push(now);
  }
}
