import { basename } from "node:path";
import { type Call, toCleanupCall } from "../core/call.ts";
import type { Logger } from "../core/logger.ts";
import type { Progress, Provider } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { Sandbox } from "../core/sandbox.ts";
import { type Clock, toIsoTime } from "./clock.ts";
import type { Ledger } from "./ledger.ts";
import { createLiveSession, type LiveSession } from "./live-session.ts";
import { createLocks } from "./lock.ts";
import type { SessionRecord, Target } from "./records.ts";
import { createId, toSandboxSpec, toTargetKey } from "./sandbox-spec.ts";
import { createSessionFiles, readSessionFiles, type SessionFiles, writeSessionFiles } from "./session-files.ts";
import { type StateFolder, toSessionFolder } from "./state-folder.ts";

// A sandbox with less time left than this is not worth starting something in.
const MIN_REMAINING_MS = 60_000;

/** What the pool is made from. */
export interface PoolDeps {
  readonly state: StateFolder;
  readonly ledger: Ledger;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly installId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onDidChange: (record: SessionRecord) => void;
  /** A sandbox may have been made all the same: the answer may have been lost. */
  readonly onDidFailToCreate: () => void;
}

/** Who needs a sandbox. */
export interface SessionRequest {
  readonly workspaceRoot: string;
  readonly target: Target;
  /** How long the sandbox has to last from now; 0 when that is not known. */
  readonly neededMs: number;
}

/** A session that can be used now, and what people should know of how it came about. */
export interface AcquiredSession {
  readonly session: LiveSession;
  readonly notes: readonly string[];
}

/** Owns the sessions: finds the warm one, starts new ones, ends them. Every sandbox is on record before it exists. */
export class SessionPool {
  readonly #deps: PoolDeps;
  readonly #records = new Map<string, SessionRecord>();
  readonly #live = new Map<string, LiveSession>();
  readonly #creating = new Map<string, AbortController>();
  readonly #locks = createLocks();
  readonly #saves = createLocks();
  readonly #saving = new Set<Promise<void>>();
  // What of each session's file lists is on disk already.
  readonly #saved = new WeakMap<LiveSession, SessionFiles>();

  constructor(deps: PoolDeps) {
    this.#deps = deps;
  }

  /** Takes over what is on record. */
  async load(): Promise<void> {
    for (const record of await this.#deps.ledger.read()) this.#records.set(record.id, record);
  }

  /** Newest first. */
  list(): readonly SessionRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  }

  find(sessionId: string): SessionRecord | undefined {
    return this.#records.get(sessionId);
  }

  findLive(sessionId: string): LiveSession | undefined {
    return this.#live.get(sessionId);
  }

  /** The workspace's warm session on that target, or a new one. */
  async acquire(request: SessionRequest, call: Call, progress: Progress): Promise<AcquiredSession> {
    const key = `${request.workspaceRoot}\n${toTargetKey(request.target)}`;
    return await this.#locks(key)(async () => {
      const notes: string[] = [];
      const warm = await this.#findWarm(request, call, notes);
      if (!warm) return { session: await this.start(request, call, progress), notes };
      void this.save({ ...warm.record, lastUsedAt: toIsoTime(this.#deps.clock) }).catch(() => undefined);
      return { session: warm, notes };
    }, call.signal);
  }

  /** A new session; nothing of it is left behind on failure but its record, ended. */
  async start(
    request: Pick<SessionRequest, "workspaceRoot" | "target">,
    call: Call,
    progress: Progress,
  ): Promise<LiveSession> {
    const provider = await this.#deps.loadProvider(request.target);
    const record = this.#toRecord(request, provider);
    const canceller = new AbortController();
    this.#creating.set(record.id, canceller);
    const own: Call = { ...call, signal: AbortSignal.any([call.signal, canceller.signal]) };
    try {
      await this.save(record);
      progress("Creating a sandbox");
      const sandbox = await provider.create(toSandboxSpec(record, this.#deps.installId), own, progress);
      return await this.#adopt(record, sandbox, own);
    } catch (error) {
      await this.end(record.id, `It could not be started: ${toMessage(error)}`);
      this.#deps.onDidFailToCreate();
      throw error;
    } finally {
      this.#creating.delete(record.id);
    }
  }

  /**
   * Ends a session's sandbox. Idempotent.
   * @throws {SandboxError} when the sandbox may still be there; the session then stays `destroying`, and the next start
   * of the engine tries again
   */
  async destroy(sessionId: string, call: Call): Promise<void> {
    const record = this.#records.get(sessionId);
    if (!record) throw new SandboxError("not-found", "There is no session with that id.");
    this.#creating
      .get(sessionId)
      ?.abort(new SandboxError("not-found", "The session was destroyed while it was being created."));
    if (record.state === "ended" || record.state === "creating") return;
    await this.save({ ...record, state: "destroying" });
    const sandbox = this.#live.get(sessionId)?.sandbox ?? (await this.#connectToDestroy(record, call));
    await sandbox?.destroy(call);
    await this.end(sessionId, "It was destroyed.");
  }

  /** Records that a session's sandbox is no more. */
  async end(sessionId: string, reason: string): Promise<void> {
    this.#live.delete(sessionId);
    const record = this.#records.get(sessionId);
    if (!record || record.state === "ended") return;
    await this.save({ ...record, state: "ended", endReason: reason });
  }

  /** Ends the session when its sandbox turns out to be gone. */
  async verify(session: LiveSession, call: Call): Promise<void> {
    // One that is being destroyed ends for that reason.
    if (session.record.state !== "ready") return;
    try {
      const provider = await this.#deps.loadProvider(session.record.target);
      await provider.connect(session.sandbox.id, call);
    } catch (error) {
      if (isGone(error)) await this.end(session.record.id, "Its sandbox has ended.");
    }
  }

  /** Forgets a session that has ended. */
  async forget(sessionId: string): Promise<void> {
    this.#records.delete(sessionId);
    await this.#deps.ledger.remove(sessionId);
  }

  async save(record: SessionRecord): Promise<void> {
    this.#records.set(record.id, record);
    const live = this.#live.get(record.id);
    if (live) live.record = record;
    this.#deps.onDidChange(record);
    await this.#track(this.#saves(record.id)(() => this.#deps.ledger.save(record)));
  }

  /** Saves the session's file lists, after any save that is under way. Never rejects. */
  async saveFiles(session: LiveSession): Promise<void> {
    const folder = toSessionFolder(this.#deps.state, session.record.id);
    const saving = this.#saves(`${session.record.id}/files`)(() => this.#writeFiles(folder, session));
    await this.#track(saving).catch((error: unknown) =>
      this.#deps.logger.warn(`A session's file list could not be saved: ${toMessage(error)}`),
    );
  }

  async #track(saving: Promise<void>): Promise<void> {
    this.#saving.add(saving);
    try {
      await saving;
    } finally {
      this.#saving.delete(saving);
    }
  }

  /** Resolves once nothing is being saved any more. */
  async flush(): Promise<void> {
    while (this.#saving.size > 0) await Promise.allSettled(this.#saving);
  }

  async #writeFiles(folder: string, session: LiveSession): Promise<void> {
    // They may change while they are being written.
    const files = { ...session.files };
    await writeSessionFiles(folder, files, this.#saved.get(session));
    this.#saved.set(session, files);
  }

  async #adopt(record: SessionRecord, sandbox: Sandbox, call: Call): Promise<LiveSession> {
    try {
      call.signal.throwIfAborted();
      const ready: SessionRecord = {
        ...record,
        state: "ready",
        sandboxId: sandbox.id,
        expiresAt: sandbox.expiresAt.toISOString(),
      };
      const session = createLiveSession(ready, sandbox, createSessionFiles());
      this.#keep(session);
      await this.save(ready);
      return session;
    } catch (error) {
      this.#live.delete(record.id);
      await sandbox
        .destroy(toCleanupCall(call))
        .catch((cause: unknown) => call.logger.error(`A sandbox could not be destroyed: ${toMessage(cause)}`));
      throw error;
    }
  }

  #keep(session: LiveSession): void {
    const { clock } = this.#deps;
    this.#live.set(session.record.id, session);
    clock.after(session.sandbox.expiresAt.getTime() - clock.now(), () => void this.#expire(session.record.id));
  }

  async #expire(sessionId: string): Promise<void> {
    const record = this.#records.get(sessionId);
    if (record && Date.parse(record.expiresAt) <= this.#deps.clock.now()) {
      await this.end(sessionId, "Its time was up.").catch(() => undefined);
    }
  }

  async #findWarm(request: SessionRequest, call: Call, notes: string[]): Promise<LiveSession | undefined> {
    const key = toTargetKey(request.target);
    for (const record of this.list()) {
      if (
        record.state !== "ready" ||
        record.workspaceRoot !== request.workspaceRoot ||
        toTargetKey(record.target) !== key
      )
        continue;
      if (!this.#lastsFor(record, request)) {
        notes.push("The session's time is nearly up, so a new sandbox was started.");
        this.#leave(record, call);
        return undefined;
      }
      const session = this.#live.get(record.id) ?? (await this.#reconnect(record, call, notes));
      if (session) return session;
    }
    return undefined;
  }

  #lastsFor(record: SessionRecord, request: SessionRequest): boolean {
    const remainingMs = Date.parse(record.expiresAt) - this.#deps.clock.now();
    const { lifetimeMs } = request.target;
    const neededMs = Math.max(MIN_REMAINING_MS, request.neededMs);
    // A run that may take longer than any sandbox lasts would otherwise never find one.
    return remainingMs >= (neededMs < lifetimeMs ? neededMs : lifetimeMs / 2);
  }

  // Runs in it go on; a sandbox that nobody uses is not left to run out.
  #leave(record: SessionRecord, call: Call): void {
    if (this.#live.get(record.id)?.runIds.size) return;
    this.destroy(record.id, toCleanupCall(call)).catch((error: unknown) =>
      call.logger.warn(`An old sandbox could not be destroyed: ${toMessage(error)}`),
    );
  }

  async #reconnect(record: SessionRecord, call: Call, notes: string[]): Promise<LiveSession | undefined> {
    const { state, logger } = this.#deps;
    try {
      const provider = await this.#deps.loadProvider(record.target);
      const sandbox = await provider.connect(record.sandboxId ?? "", call);
      const files = await readSessionFiles(toSessionFolder(state, record.id)).catch(() => undefined);
      if (files) {
        const session = createLiveSession(record, sandbox, files);
        this.#keep(session);
        return session;
      }
      notes.push("What the session's sandbox held was not known any more, so a new one was started.");
      await this.destroy(record.id, call);
    } catch (error) {
      if (!isGone(error)) throw error;
      logger.info(`The sandbox of session ${record.id} is gone`);
      notes.push("The session's sandbox was gone, so a new one was started.");
      await this.end(record.id, "Its sandbox has ended.");
    }
    return undefined;
  }

  async #connectToDestroy(record: SessionRecord, call: Call): Promise<Sandbox | undefined> {
    try {
      const provider = await this.#deps.loadProvider(record.target);
      return await provider.connect(record.sandboxId ?? "", call);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  #toRecord(
    { workspaceRoot, target }: Pick<SessionRequest, "workspaceRoot" | "target">,
    provider: Provider,
  ): SessionRecord {
    const now = this.#deps.clock.now();
    return {
      version: 1,
      id: createId(this.#deps.clock),
      name: basename(workspaceRoot) || workspaceRoot,
      workspaceRoot,
      target,
      boundary: provider.boundary,
      state: "creating",
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + target.lifetimeMs).toISOString(),
      lastUsedAt: new Date(now).toISOString(),
    };
  }
}

/** Whether an error says that the sandbox is no more. */
export function isGone(error: unknown): boolean {
  return error instanceof SandboxError && error.code === "not-found";
}
