import type { Call } from "../core/call.ts";
import type { Provider } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import { type Clock, type Timer, toIsoTime } from "./clock.ts";
import { isGone } from "./end-sandbox.ts";
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
    // What is kept can be used only by who knows what it holds.
    await pool.saveFiles(session);
    return await pool.exclusively(
      session.record,
      async () => {
        const paused = await this.#pauseSandbox(session, call);
        await pool.release(paused);
        this.#watchExpiry(paused);
        return paused;
      },
      call,
    );
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

  /** The paused session that can serve the request, going on; undefined when there is none any more, which `notes` says. */
  async resumeFor(request: SessionRequest, call: Call, notes: string[]): Promise<LiveSession | undefined> {
    const paused = findPaused(this.#deps.pool.list(), request);
    try {
      return paused && (await this.#resume(paused, call));
    } catch (error) {
      if (!isGone(error) || call.signal.aborted) throw error;
      notes.push("The paused session could not be resumed any more, so a new sandbox was started.");
      return undefined;
    }
  }

  async #pauseSandbox(session: LiveSession, call: Call): Promise<SessionRecord> {
    return await session.lock(async () => {
      checkCanPause(session);
      const saved = await session.sandbox.pause?.(call);
      if (!saved) throw new SandboxError("unsupported", "This provider cannot pause.");
      const expiresAt = saved.expiresAt ?? new Date(this.#deps.clock.now() + KEPT_MS);
      return { ...session.record, state: "paused", pausedId: saved.id, expiresAt: expiresAt.toISOString() };
    }, call.signal);
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
      if (isGone(error)) await pool.end(paused.id, `It could not be resumed: ${toMessage(error)}`);
      else await pool.save(paused);
      throw error;
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
    const { clock, pool } = this.#deps;
    const onTime = (): void => {
      const record = pool.find(id);
      if (record?.state !== "paused") return;
      if (Date.parse(record.expiresAt) > clock.now()) this.#watchExpiry(record);
      else void pool.end(id, "Its time was up.").catch(() => undefined);
    };
    this.#timers.get(id)?.dispose();
    this.#timers.set(id, clock.after(Date.parse(expiresAt) - clock.now(), onTime));
  }
}

function checkCanPause({ sandbox, runIds }: LiveSession): void {
  if (!sandbox.pause) throw new SandboxError("unsupported", "This provider cannot pause. Take a snapshot instead.");
  if (runIds.size > 0) throw new SandboxError("conflict", "A run uses that session. Stop it, then pause.");
}
