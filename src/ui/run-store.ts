import { type Disposable, DisposableStore } from "../core/disposable-store.ts";
import { Emitter } from "../core/event.ts";
import type { EngineEvent } from "../sessions/engine.ts";
import type { RunRecord, SessionRecord } from "../sessions/records.ts";
import type { EngineLink } from "./engine-link.ts";

/** Output of a run that can now be read, up to `sizeBytes` of its log. */
export interface OutputAdvance {
  readonly runId: string;
  readonly sizeBytes: number;
}

/** What this window knows of the engine's records: filled when the engine is reached, kept up by its events. Everything drawn is drawn from here. */
export class RunStore implements Disposable {
  readonly #link: EngineLink;
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new Emitter<RunRecord | undefined>());
  readonly #advanced = this.#resources.add(new Emitter<OutputAdvance>());
  readonly #runs = new Map<string, RunRecord>();
  readonly #sessions = new Map<string, SessionRecord>();

  /** With the run that changed, or undefined when sessions or everything did. */
  readonly onDidChange = this.#changed.event;
  readonly onDidAdvance = this.#advanced.event;

  constructor(link: EngineLink) {
    this.#link = link;
    this.#resources.add(link.onDidChange((event) => this.#take(event)));
    // Whatever was missed while there was no connection is read afresh.
    this.#resources.add(
      link.onDidChangeState((state) => {
        if (state === "connected") void this.load().catch(() => undefined);
      }),
    );
  }

  /** Newest first. */
  get runs(): readonly RunRecord[] {
    return [...this.#runs.values()].sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1));
  }

  /** Newest first, without those that have ended. */
  get sessions(): readonly SessionRecord[] {
    return [...this.#sessions.values()]
      .filter((session) => session.state !== "ended")
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  }

  run(id: string): RunRecord | undefined {
    return this.#runs.get(id);
  }

  session(id: string): SessionRecord | undefined {
    return this.#sessions.get(id);
  }

  /** Puts a record in before its event arrives. */
  putRun(run: RunRecord): void {
    const known = this.#runs.get(run.id);
    if (known && known.state === "ended" && run.state !== "ended") return;
    this.#runs.set(run.id, run);
    this.#changed.fire(run);
  }

  /** Reads every record from the engine, which is started if need be. @throws {SandboxError} */
  async load(): Promise<void> {
    const engine = await this.#link.get();
    const [runs, sessions] = await Promise.all([engine.listRuns(), engine.listSessions()]);
    this.#runs.clear();
    this.#sessions.clear();
    for (const run of runs) this.#runs.set(run.id, run);
    for (const session of sessions) this.#sessions.set(session.id, session);
    this.#changed.fire(undefined);
    // Terminals of runs that went on meanwhile catch up.
    for (const run of runs) this.#changed.fire(run);
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #take(event: EngineEvent): void {
    if (event.type === "output") this.#advanced.fire(event);
    else if (event.type === "run") this.putRun(event.run);
    else {
      this.#sessions.set(event.session.id, event.session);
      this.#changed.fire(undefined);
    }
  }
}

/** Whether the run still goes on. */
export function isLive(run: RunRecord): boolean {
  return run.state !== "ended";
}

/** Whether the user still has changes of this run to decide. */
export function hasPendingChanges(run: RunRecord): boolean {
  return run.state === "ended" && (run.changes?.pending ?? 0) > 0;
}
