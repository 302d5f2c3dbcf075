import { basename, join } from "node:path";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { Logger } from "../../core/logger.ts";
import type { ProviderId } from "../../core/provider.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { type Clock, type Timer, toIsoTime } from "../clock.ts";
import { isFree } from "../cost/rate.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "../json-file.ts";
import type { LiveSession } from "../live-session.ts";
import { createLock } from "../lock.ts";
import { lastsFor, type NewSessionRequest } from "../new-session.ts";
import type { SessionRecord, Target } from "../records.ts";
import { toTargetKey } from "../sandbox-spec.ts";
import type { SessionPool } from "../session-pool.ts";
import type { StateFolder } from "../state-folder.ts";

/** What keeping sandboxes ready needs. */
export interface WarmPoolDeps {
  readonly state: StateFolder;
  readonly pool: SessionPool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newCall: () => Call;
}

const MOST = 20;
/** One that nobody took for so long is ended, and replaced only when a session is started again. */
const IDLE_MS = 15 * 60_000;

/**
 * Keeps idle sandboxes like the last one used, for the next session to take: on each provider that charges by the hour, once
 * a session was started there. They end when nobody takes them for a while, when another kind is used, and with the engine.
 */
export class WarmPool {
  readonly #deps: WarmPoolDeps;
  readonly #lock = createLock();
  readonly #wanted = new Map<ProviderId, Target>();
  readonly #seen = new Set<string>();
  readonly #claimed = new Set<string>();
  readonly #idle = new Map<string, Timer>();
  #size = 0;
  // Aborted to give up what is being made.
  #filling = new AbortController();
  #isDisposed = false;

  constructor(deps: WarmPoolDeps) {
    this.#deps = deps;
  }

  /** Takes over what was set before. */
  async load(): Promise<void> {
    try {
      const file = await readJsonFile(this.#sizeFile, isSizeFile);
      if (file.kind === "read") this.#size = file.value.size;
    } catch (error) {
      this.#deps.logger.error(toMessage(error));
    }
  }

  /** What is too much is gone when this resolves; what is missing is made in the background. @throws {SandboxError} `invalid` */
  async setSize(size: number): Promise<void> {
    if (!Number.isInteger(size) || size < 0 || size > MOST)
      throw new SandboxError("invalid", `The number of sandboxes to keep ready has to be between 0 and ${MOST}.`);
    if (size === this.#size) return;
    this.#size = size;
    await writeJsonFile(this.#sizeFile, { version: 1, size }, false);
    this.#giveUpFilling();
    await this.#lock(() => this.#endExcess());
    for (const record of this.#deps.pool.list().toReversed()) this.#noteUse(record);
    this.#fillLater();
  }

  /** Called with each session's record that is new or has changed. */
  onDidChangeSession(record: SessionRecord): void {
    const isIdle = record.isWarm === true && record.state === "ready";
    if (!isIdle) {
      this.#idle.get(record.id)?.dispose();
      this.#idle.delete(record.id);
    } else if (!this.#idle.has(record.id)) {
      const onIdle = (): void => void this.#end(record.id, "Nobody took it.");
      this.#idle.set(record.id, this.#deps.clock.after(IDLE_MS, onIdle));
    }
    if (this.#noteUse(record)) this.#fillLater();
  }

  /**
   * A sandbox that is ready, as the session that was asked for; undefined when there is none of that kind. Nobody else gets
   * it. @throws what filling it does; it is gone then
   */
  async claim(request: NewSessionRequest, call: Call): Promise<LiveSession | undefined> {
    const { facts } = request;
    if (facts?.isWarm || facts?.batchId !== undefined) return undefined;
    for (const record of this.#listIdle(request.target).toReversed()) {
      const session = this.#deps.pool.findLive(record.id);
      if (!session) continue;
      this.#claimed.add(record.id);
      if (await this.#isUsable(session, request, call)) return await this.#hand(session, request, call);
    }
    return undefined;
  }

  /** Ends all of them: nobody would take them, and they cost money. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    this.#size = 0;
    this.#giveUpFilling();
    await this.#lock(() => this.#endExcess());
    for (const timer of this.#idle.values()) timer.dispose();
  }

  async #isUsable(session: LiveSession, request: NewSessionRequest, call: Call): Promise<boolean> {
    const { pool, clock } = this.#deps;
    const { id } = session.record;
    if (!lastsFor(session.record, { neededMs: 0, ...request }, clock)) {
      void this.#end(id, "Its time was nearly up.");
      return false;
    }
    await pool.verify(session, call);
    call.signal.throwIfAborted();
    return pool.find(id)?.state === "ready";
  }

  async #hand(session: LiveSession, request: NewSessionRequest, call: Call): Promise<LiveSession> {
    const { pool, clock, logger } = this.#deps;
    const { isWarm: _isWarm, ...rest } = session.record;
    const { workspaceRoot, facts, fill } = request;
    const name = basename(workspaceRoot) || workspaceRoot;
    try {
      await pool.save({ ...rest, ...facts, workspaceRoot, name, lastUsedAt: toIsoTime(clock) });
      await fill?.(session, call);
      if (fill) await pool.saveFiles(session);
    } catch (error) {
      await this.#end(rest.id, `It could not be used: ${toMessage(error)}`);
      throw error;
    }
    logger.info(`Session ${rest.id} took a sandbox that was ready`);
    return session;
  }

  // Whether that is news.
  #noteUse({ id, state, isWarm, isDetached, target }: SessionRecord): boolean {
    if (state === "ended") this.#seen.delete(id);
    if (state !== "ready" || isWarm || isDetached || isFree(target.providerId) || this.#seen.has(id)) return false;
    this.#seen.add(id);
    this.#wanted.set(target.providerId, target);
    return true;
  }

  #giveUpFilling(): void {
    this.#filling.abort(new SandboxError("unavailable", "It is not wanted any more."));
    this.#filling = new AbortController();
  }

  #fillLater(): void {
    if (this.#size > 0 && !this.#isDisposed) void this.#lock(() => this.#fill());
  }

  async #fill(): Promise<void> {
    await this.#endExcess();
    const { signal } = this.#filling;
    for (const target of this.#wanted.values()) await this.#fillOne(target, signal);
  }

  // What went wrong once is tried again when a session is started next.
  async #fillOne(target: Target, signal: AbortSignal): Promise<void> {
    const { pool, newCall, logger } = this.#deps;
    const call = newCall();
    const own = { ...call, signal: AbortSignal.any([call.signal, signal]) };
    try {
      for (let missing = this.#size - this.#listIdle(target).length; missing > 0 && !own.signal.aborted; missing--)
        await pool.start({ workspaceRoot: "", target, facts: { isWarm: true } }, own, () => undefined);
    } catch (error) {
      if (!own.signal.aborted) logger.warn(`No sandbox could be made ready: ${toMessage(error)}`);
    }
  }

  /** Newest first. */
  #listIdle(target: Target): readonly SessionRecord[] {
    const key = toTargetKey(target);
    return this.#listAll().filter((record) => toTargetKey(record.target) === key && !this.#claimed.has(record.id));
  }

  // Another engine's are its own business.
  #listAll(): readonly SessionRecord[] {
    const { pool } = this.#deps;
    return pool.list().filter(({ id, state, isWarm }) => isWarm && state === "ready" && pool.findLive(id));
  }

  async #endExcess(): Promise<void> {
    const wanted = [...this.#wanted.values()].flatMap((target) => this.#listIdle(target).slice(0, this.#size));
    const kept = new Set(wanted.map(({ id }) => id));
    const excess = this.#listAll().filter(({ id }) => !kept.has(id) && !this.#claimed.has(id));
    await Promise.all(excess.map(({ id }) => this.#end(id, "It is not wanted any more.")));
  }

  /** Never rejects. */
  async #end(sessionId: string, reason: string): Promise<void> {
    const { pool, newCall, logger } = this.#deps;
    this.#claimed.add(sessionId);
    try {
      if (pool.find(sessionId)) await pool.destroy(sessionId, toCleanupCall(newCall()), reason);
    } catch (error) {
      logger.warn(`A sandbox that was kept ready could not be destroyed: ${toMessage(error)}`);
    }
    this.#claimed.delete(sessionId);
  }

  get #sizeFile(): string {
    return join(this.#deps.state.root, "warm-pool.json");
  }
}

function isSizeFile(value: unknown): value is { readonly version: 1; readonly size: number } {
  return isVersioned(value) && value.version === 1 && "size" in value && Number.isInteger(value.size);
}
