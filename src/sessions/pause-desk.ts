import { type Call, toCleanupCall } from "../core/call.ts";
import type { Provider } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { SavedState } from "../core/sandbox.ts";
import { findAutoPaused, pausesItself } from "./auto-pause.ts";
import { type Clock, type Timer, toIsoTime } from "./clock.ts";
import { deletePaused, isGone } from "./end-sandbox.ts";
import type { LiveSession } from "./live-session.ts";
import { findPaused, type SessionRequest } from "./new-session.ts";
import type { SessionRecord, Target } from "./records.ts";
import { toSandboxSpec } from "./sandbox-spec.ts";
import { readSessionFiles, type SessionFiles } from "./session-files.ts";
import type { SessionPool } from "./session-pool.ts";
import { type StateFolder, toSessionFolder } from "./state-folder.ts";

/** What pausing and resuming needs. */
export interface PauseDeskDeps {
  readonly state: StateFolder;
  readonly pool: SessionPool;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly installId: string;
  readonly clock: Clock;
  readonly newCall: () => Call;
  /** Keeps what the sandbox holds: what is paused expires. Never rejects. */
  readonly keepLast: (session: LiveSession, cause: "destroy") => Promise<void>;
  /** A new session with what the last snapshot of that one has; undefined when there is none that can be used. Never rejects. */
  readonly restoreLast: (record: SessionRecord, call: Call) => Promise<LiveSession | undefined>;
}

// Of what a provider keeps until it is deleted.
const KEPT_MS = 30 * 24 * 60 * 60_000;

/** Pauses sessions and goes on with them, where their provider can. */
export class PauseDesk {
  readonly #deps: PauseDeskDeps;
  readonly #timers = new Map<string, Timer>();

  constructor(deps: PauseDeskDeps) {
    this.#deps = deps;
  }

  /** Ends the paused sessions on record when what is kept of them expires. */
  watch(): void {
    for (const record of this.#deps.pool.list()) if (record.state === "paused") this.#watchExpiry(record);
  }

  /**
   * Keeps memory and files of a session, after a snapshot, and ends its sandbox.
   * @throws {SandboxError} `unsupported` where the provider cannot; `conflict` while a run uses it, or it is paused
   */
  async pause(sessionId: string): Promise<SessionRecord> {
    const { pool, keepLast } = this.#deps;
    const call = this.#deps.newCall();
    const session = await pool.open(sessionId, call);
    checkCanPause(session);
    await keepLast(session, "destroy");
    return await pool.exclusively(session.record, () => this.#pause(session, call), call);
  }

  /**
   * Pauses a session whose sandbox has too little time left, so that it goes on with more of it. To be called while nobody
   * else finds the session. Returns false when it cannot be paused now.
   */
  async setAside(session: LiveSession, call: Call): Promise<boolean> {
    if (!pausesItself(session.record) || !session.sandbox.pause || session.runIds.size > 0) return false;
    try {
      await this.#deps.keepLast(session, "destroy");
      await this.#pause(session, call);
      return true;
    } catch (error) {
      if (call.signal.aborted) throw error;
      call.logger.warn(`A sandbox whose time is nearly up could not be paused: ${toMessage(error)}`);
      return false;
    }
  }

  /**
   * Keeps a session as paused whose sandbox is not running any more because it paused by itself. To be called while nobody
   * else finds the session. Returns false when it did not pause. @throws {SandboxError} when its provider cannot be asked
   */
  async noteAutoPaused(record: SessionRecord): Promise<boolean> {
    const { pool, loadProvider, clock } = this.#deps;
    const provider = await loadProvider(record.target);
    const saved = await findAutoPaused({ provider, clock }, record, this.#deps.newCall());
    // Somebody may have destroyed it meanwhile.
    if (!saved || pool.find(record.id)?.state !== "ready") return false;
    const session = pool.findLive(record.id);
    if (session) await pool.saveFiles(session);
    await this.#keep(record, saved);
    return true;
  }

  /** @throws {SandboxError} `not-found` when it is not paused, or no longer kept; it has ended then */
  async resume(sessionId: string): Promise<SessionRecord> {
    const { pool, newCall } = this.#deps;
    const call = newCall();
    const found = pool.find(sessionId);
    if (!found) throw new SandboxError("not-found", "There is no session with that id.");
    return await pool.exclusively(
      found,
      async () => {
        const record = pool.find(sessionId);
        if (record?.state === "ready") return record;
        if (record?.state === "paused") return (await this.#resume(record, call)).record;
        throw new SandboxError("not-found", "The session is not paused. Restore it from its last snapshot.");
      },
      call,
    );
  }

  /**
   * The paused session that can serve the request, going on; one that has what its last snapshot has when it cannot go on any
   * more, or undefined, both of which `notes` says.
   */
  async resumeFor(request: SessionRequest, call: Call, notes: string[]): Promise<LiveSession | undefined> {
    const paused = findPaused(this.#deps.pool.list(), request);
    try {
      return paused && (await this.#resume(paused, call));
    } catch (error) {
      if (!paused || !isGone(error) || call.signal.aborted) throw error;
      const restored = await this.#deps.restoreLast(paused, call);
      const how = restored ? "started from its last snapshot" : "started";
      notes.push(`The paused session could not be resumed any more, so a new sandbox was ${how}.`);
      return restored;
    }
  }

  async #pause(session: LiveSession, call: Call): Promise<SessionRecord> {
    // What is kept can be used only by who knows what it holds.
    await this.#deps.pool.saveFiles(session);
    const saved = await session.lock(async () => {
      checkCanPause(session);
      return await session.sandbox.pause?.(call);
    }, call.signal);
    if (!saved) throw new SandboxError("unsupported", "This provider cannot pause.");
    return await this.#keep(session.record, saved);
  }

  async #keep(record: SessionRecord, { id, expiresAt }: SavedState): Promise<SessionRecord> {
    const { pool, clock } = this.#deps;
    const keptUntil = expiresAt ?? new Date(clock.now() + KEPT_MS);
    const paused: SessionRecord = { ...record, state: "paused", pausedId: id, expiresAt: keptUntil.toISOString() };
    await pool.release(paused);
    this.#watchExpiry(paused);
    return paused;
  }

  async #resume(paused: SessionRecord, call: Call): Promise<LiveSession> {
    const { pool, loadProvider, installId } = this.#deps;
    try {
      const files = await this.#readFiles(paused);
      const provider = await loadProvider(paused.target);
      const create = async (own: Call): ReturnType<NonNullable<Provider["resume"]>> => {
        if (!provider.resume || paused.pausedId === undefined)
          throw new SandboxError(
            "unsupported",
            "This provider cannot resume. Restore the session from its last snapshot.",
          );
        return await provider.resume(paused.pausedId, toSandboxSpec(paused, installId), own);
      };
      const meteredFrom = toIsoTime(this.#deps.clock);
      const session = await pool.reopen({ ...paused, meteredFrom }, { files, create }, call);
      this.#timers.get(paused.id)?.dispose();
      return session;
    } catch (error) {
      if (isGone(error)) await this.#giveUp(paused, `It could not be resumed: ${toMessage(error)}`, call);
      else await pool.save(paused);
      throw error;
    }
  }

  // What the provider may still have of it is of no use to anybody.
  async #giveUp(paused: SessionRecord, reason: string, call: Call): Promise<void> {
    const { pool, loadProvider } = this.#deps;
    await pool.end(paused.id, reason);
    try {
      await deletePaused(await loadProvider(paused.target), paused, toCleanupCall(call));
    } catch (error) {
      call.logger.warn(`A paused sandbox that cannot be resumed could not be deleted: ${toMessage(error)}`);
    }
  }

  async #readFiles({ id }: SessionRecord): Promise<SessionFiles> {
    try {
      return await readSessionFiles(toSessionFolder(this.#deps.state, id));
    } catch (cause) {
      const message = "What the session held is not known any more. Restore it from its last snapshot.";
      throw new SandboxError("not-found", message, { cause });
    }
  }

  #watchExpiry({ id, expiresAt }: SessionRecord): void {
    const { clock, pool, newCall } = this.#deps;
    const onTime = (): void => {
      const record = pool.find(id);
      if (record?.state !== "paused") return;
      if (Date.parse(record.expiresAt) > clock.now()) this.#watchExpiry(record);
      // One that cannot be deleted now is at a later sweep.
      else void pool.destroy(id, newCall(), "Its time was up.").catch(() => undefined);
    };
    this.#timers.get(id)?.dispose();
    this.#timers.set(id, clock.after(Date.parse(expiresAt) - clock.now(), onTime));
  }
}

function checkCanPause({ sandbox, runIds }: LiveSession): void {
  if (!sandbox.pause) throw new SandboxError("unsupported", "This provider cannot pause. Take a snapshot instead.");
  if (runIds.size > 0) throw new SandboxError("conflict", "A run uses that session. Stop it, then pause.");
}
