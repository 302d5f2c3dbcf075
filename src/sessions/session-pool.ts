import { type Call, toCleanupCall } from "../core/call.ts";
import type { Progress } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { Sandbox } from "../core/sandbox.ts";
import { asksForAutoPause, pausesItself } from "./auto-pause.ts";
import { toIsoTime } from "./clock.ts";
import { type AcquiredSession, createLiveSession, type LiveSession } from "./live-session.ts";
import { createLocks } from "./lock.ts";
import { lastsFor, type NewSessionRequest, selectWarm, type SessionRequest, toNewSession } from "./new-session.ts";
import { createWithFallbacks } from "./cost/create-with-fallbacks.ts";
import { endSandbox, isGone } from "./end-sandbox.ts";
import type { SessionRecord } from "./records.ts";
import { toSandboxSpec } from "./sandbox-spec.ts";
import { createSessionFiles, readSessionFiles, type SessionFiles } from "./session-files.ts";
import { isForgottenAtEnd, toWarmKey, type WarmKey } from "./session-key.ts";
import { SessionSaves } from "./session-saves.ts";
import { SessionTimers } from "./session-timers.ts";
import type { PoolDeps } from "./pool-deps.ts";
import { toSessionFolder } from "./state-folder.ts";

// How long an engine that starts waits for each sandbox to say that it is there.
const REVIVE_MS = 30_000;

/** A sandbox that a session gets: filled, or known to hold these files. */
interface Adopted extends Pick<NewSessionRequest, "fill"> {
  readonly sandbox: Sandbox;
  readonly files?: SessionFiles;
}

/** Owns the sessions: finds the warm one, starts new ones, ends them. Every sandbox is on record before it exists. */
export class SessionPool {
  readonly #deps: PoolDeps;
  readonly #records = new Map<string, SessionRecord>();
  readonly #live = new Map<string, LiveSession>();
  readonly #creating = new Map<string, AbortController>();
  readonly #ending = new Set<string>();
  readonly #timers: SessionTimers;
  readonly #locks = createLocks();
  readonly #saves: SessionSaves;

  constructor(deps: PoolDeps) {
    this.#deps = deps;
    this.#saves = new SessionSaves(deps);
    const onLook = (session: LiveSession): void => {
      if (this.#live.get(session.record.id) === session) void deps.onWillEnd(session, "expiry");
    };
    this.#timers = new SessionTimers({ clock: deps.clock, onExpire: (id) => void this.#expire(id), onLook });
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
    return await this.#locks(toWarmKey(request))(async () => {
      const notes: string[] = [];
      const warm = await this.#findWarm(request, call, notes);
      if (!warm) {
        const session = await this.start(request, call, progress);
        return { session, notes: [...notes, ...(session.record.startNotes ?? [])] };
      }
      void this.save({ ...warm.record, lastUsedAt: toIsoTime(this.#deps.clock) }).catch(() => undefined);
      return { session: warm, notes };
    }, call.signal);
  }

  /** A new session; nothing of it is left behind on failure but its record, ended. */
  async start(request: NewSessionRequest, call: Call, progress: Progress): Promise<LiveSession> {
    const warm = await this.#deps.claimWarm(request, call);
    if (warm) return warm;
    const provider = await this.#deps.loadProvider(request.target);
    const record = { ...toNewSession(request, provider.boundary, this.#deps.clock), ...request.facts };
    try {
      return await this.#creatingFor(record, call, async (own) => {
        progress("Creating a sandbox");
        const wanted = { record, spec: toSandboxSpec(record, this.#deps.installId) };
        const { sandbox, facts } = await createWithFallbacks({ ...this.#deps, provider }, wanted, own, progress);
        const fill = request.fill ? { fill: request.fill } : {};
        return await this.#adopt({ ...record, ...facts }, { sandbox, ...fill }, own);
      });
    } catch (error) {
      await this.end(record.id, `It could not be started: ${toMessage(error)}`);
      this.#deps.onDidLoseTrack();
      throw error;
    }
  }

  /** Does something while nobody else finds, or ends, a session that could serve the same request. */
  async exclusively<T>(request: WarmKey, task: () => Promise<T>, call: Call): Promise<T> {
    return await this.#locks(toWarmKey(request))(task, call.signal);
  }

  /** Saves the record of a session whose sandbox is no longer this engine's to hold. */
  async release(record: SessionRecord): Promise<void> {
    await this.save(record);
    this.#letGo(record.id);
  }

  /** Gives a session a new sandbox, which holds these files. Nothing is left behind on failure but the record as it is. */
  async reopen(
    record: SessionRecord,
    { files, create }: { readonly files: SessionFiles; readonly create: (call: Call) => Promise<Sandbox> },
    call: Call,
  ): Promise<LiveSession> {
    return await this.#creatingFor(
      record,
      call,
      async (own) => await this.#adopt(record, { sandbox: await create(own), files }, own),
    );
  }

  // The sandbox has an owner on record before it exists, and can be called off.
  async #creatingFor<T>(record: SessionRecord, call: Call, task: (own: Call) => Promise<T>): Promise<T> {
    const canceller = new AbortController();
    this.#creating.set(record.id, canceller);
    try {
      await this.save({ ...record, state: "creating" });
      return await task({ ...call, signal: AbortSignal.any([call.signal, canceller.signal]) });
    } finally {
      this.#creating.delete(record.id);
    }
  }

  /**
   * Ends a session's sandbox. Idempotent.
   * @throws {SandboxError} when the sandbox may still be there; the session then stays `destroying` until a sweep, now or
   * when an engine starts, gets through
   */
  async destroy(sessionId: string, call: Call, reason = "It was destroyed."): Promise<void> {
    const record = this.#findRecord(sessionId);
    this.#creating
      .get(sessionId)
      ?.abort(new SandboxError("not-found", "The session was destroyed while it was being created."));
    if (record.state === "ended" || record.state === "creating") return;
    await this.save({ ...record, state: "destroying" });
    this.#ending.add(sessionId);
    try {
      await endSandbox(this.#deps, { record, live: this.#live.get(record.id) }, call);
    } catch (error) {
      // There may be thousands of them, and nobody asks for this one again.
      if (record.batchId !== undefined) this.#letGo(sessionId);
      this.#deps.onDidLoseTrack();
      throw error;
    } finally {
      this.#ending.delete(sessionId);
    }
    await this.end(sessionId, reason);
  }

  /** Whether its sandbox is being ended at this moment, and may still be looked at. */
  isEnding = (sessionId: string): boolean => this.#ending.has(sessionId);

  /**
   * A session that is ready, whoever started it.
   * @throws {SandboxError} `not-found` when there is none, or its sandbox is gone
   */
  async open(sessionId: string, call: Call): Promise<LiveSession> {
    const record = this.#findRecord(sessionId);
    if (record.state === "paused") throw newPausedError();
    const live = await this.#locks(toWarmKey(record))(() => this.#findLiveAgain(sessionId, call), call.signal);
    if (live) return live;
    // It may have turned out so just now.
    if (this.#records.get(sessionId)?.state === "paused") throw newPausedError();
    throw new SandboxError("not-found", "The session has no sandbox any more. Restore it from its last snapshot.");
  }

  /**
   * Finds the sandboxes of an earlier engine's sessions again, so that they are looked at before they end; ends the sessions
   * whose sandboxes are gone. What cannot be reached stays as it is. Never rejects.
   */
  async reviveAll(call: Call): Promise<void> {
    const ready = this.list().filter(({ state }) => state === "ready");
    const own: Call = { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(REVIVE_MS)]) };
    const revive = (record: SessionRecord): Promise<unknown> =>
      this.#locks(toWarmKey(record))(() => this.#findLiveAgain(record.id, own), own.signal);
    await Promise.allSettled(ready.map(revive));
  }

  #findRecord(sessionId: string): SessionRecord {
    const record = this.#records.get(sessionId);
    if (!record) throw new SandboxError("not-found", "There is no session with that id.");
    return record;
  }

  async #findLiveAgain(sessionId: string, call: Call): Promise<LiveSession | undefined> {
    const record = this.#records.get(sessionId);
    if (record?.state !== "ready") return undefined;
    return this.#live.get(sessionId) ?? (await this.#reconnect(record, call, []));
  }

  /** Records that a session's sandbox is no more. */
  async end(sessionId: string, reason: string): Promise<void> {
    this.#letGo(sessionId);
    const record = this.#records.get(sessionId);
    if (!record || record.state === "ended") return;
    const { clock } = this.#deps;
    await this.save({ ...record, state: "ended", endReason: reason, endedAt: toIsoTime(clock) });
    if (record.state === "ready") this.#deps.onDidLose(record);
    if (isForgottenAtEnd(record)) await this.forget(sessionId);
  }

  #letGo(sessionId: string): void {
    this.#live.delete(sessionId);
    this.#timers.forget(sessionId);
  }

  /** Ends the session when its sandbox turns out to be gone. */
  async verify(session: LiveSession, call: Call): Promise<void> {
    // One that is being destroyed ends for that reason.
    if (session.record.state === "ready") await this.#verifyRecord(session.record, call);
  }

  async #verifyRecord(record: SessionRecord, call: Call): Promise<void> {
    try {
      const provider = await this.#deps.loadProvider(record.target);
      await provider.connect(record.sandboxId ?? "", call);
    } catch (error) {
      if (isGone(error)) await this.settleGone(record, "Its sandbox has ended.");
    }
  }

  /** Ends a session whose sandbox is gone; one that paused by itself is kept. Returns whether it is paused now. Never rejects. */
  async settleGone(record: SessionRecord, reason: string): Promise<boolean> {
    const settle = async (): Promise<boolean> => await this.#endUnlessPaused(record, reason);
    try {
      // While it is asked whether it has paused, nobody else is to find it.
      return await (pausesItself(record) ? this.#locks(toWarmKey(record))(settle) : settle());
    } catch (error) {
      this.#deps.logger.warn(`Whether a sandbox has paused could not be found out: ${toMessage(error)}`);
      // Whoever needs it next asks again.
      this.#letGo(record.id);
      return false;
    }
  }

  /** Returns whether it is paused now. @throws {SandboxError} when its provider cannot be asked; then it stays as it is */
  async #endUnlessPaused({ id }: SessionRecord, reason: string): Promise<boolean> {
    const record = this.#records.get(id);
    if (record?.state !== "ready") return record?.state === "paused";
    if (pausesItself(record) && (await this.#deps.noteAutoPaused(record))) return true;
    await this.end(id, reason);
    // What was to pause, and was not found paused, may be there all the same.
    if (asksForAutoPause(record.target)) this.#deps.onDidLoseTrack();
    return false;
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
    await this.#saves.saveRecord(record);
  }

  /** Saves the session's file lists, after any save that is under way. Never rejects. */
  async saveFiles(session: LiveSession): Promise<void> {
    // No later engine goes on with a batch's sandbox.
    if (session.record.batchId === undefined) await this.#saves.saveFiles(session);
  }

  /** Resolves once nothing is being saved any more. */
  async flush(): Promise<void> {
    await this.#saves.flush();
  }

  async #adopt(record: SessionRecord, { sandbox, fill, files }: Adopted, call: Call): Promise<LiveSession> {
    try {
      call.signal.throwIfAborted();
      const { pausedId: _pausedId, ...rest } = record;
      const ready: SessionRecord = {
        ...rest,
        state: "ready",
        sandboxId: sandbox.id,
        expiresAt: sandbox.expiresAt.toISOString(),
      };
      const session = createLiveSession(ready, sandbox, files ?? createSessionFiles());
      session.isUntouched = files === undefined;
      await fill?.(session, call);
      // A later engine goes on with a sandbox only when it knows what is in it.
      const saving = this.saveFiles(session);
      if (fill) await saving;
      this.#keep(session);
      // Until that is on the disk it says that a sandbox is being made, which is enough to find it by: no run waits.
      this.save(ready).catch((error: unknown) =>
        call.logger.warn(`A session that is ready could not be recorded as that: ${toMessage(error)}`),
      );
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
    this.#live.set(session.record.id, session);
    this.#timers.watch(session);
  }

  async #expire(sessionId: string): Promise<void> {
    const record = this.#records.get(sessionId);
    if (!record || Date.parse(record.expiresAt) > this.#deps.clock.now()) return;
    await this.settleGone(record, "Its time was up.");
  }

  async #findWarm(request: SessionRequest, call: Call, notes: string[]): Promise<LiveSession | undefined> {
    for (const record of selectWarm(this.list(), request)) {
      const isLasting = lastsFor(record, request, this.#deps.clock);
      if (isLasting || pausesItself(record)) {
        const session = this.#live.get(record.id) ?? (await this.#reconnect(record, call, notes));
        if (session && isLasting) return session;
        // As a paused one it goes on below, with all of its time.
        if (!session || (await this.#deps.setAside(session, call))) continue;
      }
      notes.push("The session's time is nearly up, so a new sandbox was started.");
      this.#leave(record, call);
      return undefined;
    }
    return await this.#deps.resumePaused(request, call, notes);
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
      await this.destroy(record.id, call, "What its sandbox held was not known any more, so it was destroyed.");
    } catch (error) {
      if (!isGone(error)) throw error;
      logger.info(`The sandbox of session ${record.id} is gone`);
      if (await this.#endUnlessPaused(record, "Its sandbox has ended.")) return undefined;
      notes.push("The session's sandbox was gone, so a new one was started.");
    }
    return undefined;
  }
}

function newPausedError(): SandboxError {
  return new SandboxError("conflict", "The session is paused. Resume it and try again.");
}
