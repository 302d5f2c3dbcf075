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
  readonly #told = new Set<Set<string>>();

  /** With the run that changed, or undefined when sessions or everything did. */
  readonly onDidChange = this.#changed.event;
  readonly onDidAdvance = this.#advanced.event;

  constructor(link: EngineLink) {
    this.#link = link;
    this.#resources.add(link.onDidChange((event) => this.#take(event)));
    // Whatever was missed while there was no connection is read afresh.
    this.#resources.add(
      link.onDidChangeState((state) => {
        const isCut = state === "idle" && this.runs.some(isLive);
        // An engine that went away in mid-run is started anew, to say what became of its runs.
        if (state === "connected" || isCut) void this.load().catch(() => undefined);
      }),
    );
  }

  /** Newest first. */
  get runs(): readonly RunRecord[] {
    return [...this.#runs.values()].sort((a, b) => newestFirst(a.requestedAt, b.requestedAt));
  }

  /** Newest first, without those that have ended. */
  get sessions(): readonly SessionRecord[] {
    return [...this.#sessions.values()]
      .filter((session) => session.state !== "ended")
      .sort((a, b) => newestFirst(a.createdAt, b.createdAt));
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
    this.#note(run.id);
    this.#runs.set(run.id, run);
    this.#changed.fire(run);
  }

  /** Reads every record from the engine, which is started if need be. @throws {SandboxError} */
  async load(): Promise<void> {
    // Ids of what is told anew meanwhile: that is newer than what is read.
    const told = new Set<string>();
    this.#told.add(told);
    try {
      const engine = await this.#link.get();
      const [runs, sessions] = await Promise.all([engine.listRuns(), engine.listSessions()]);
      replace(this.#runs, runs, told);
      replace(this.#sessions, sessions, told);
    } finally {
      this.#told.delete(told);
    }
    this.#changed.fire(undefined);
    // Terminals of runs that went on meanwhile catch up.
    for (const run of this.runs) this.#changed.fire(run);
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #take(event: EngineEvent): void {
    if (event.type === "output") this.#advanced.fire(event);
    else if (event.type === "run") this.putRun(event.run);
    else if (event.type === "session") {
      this.#note(event.session.id);
      this.#sessions.set(event.session.id, event.session);
      this.#changed.fire(undefined);
    }
  }

  #note(id: string): void {
    for (const ids of this.#told) ids.add(id);
  }
}

function newestFirst(a: string, b: string): number {
  return a === b ? 0 : a < b ? 1 : -1;
}

/** Makes `known` hold what was read, but for the records with these ids. */
function replace<R extends { readonly id: string }>(
  known: Map<string, R>,
  read: readonly R[],
  newer: ReadonlySet<string>,
): void {
  for (const id of known.keys()) if (!newer.has(id)) known.delete(id);
  for (const record of read) if (!newer.has(record.id)) known.set(record.id, record);
}

/** Whether the run still goes on. */
export function isLive(run: RunRecord): boolean {
  return run.state !== "ended";
}

/** Whether the user still has changes of this run to decide. */
export function hasPendingChanges(run: RunRecord): boolean {
  return run.state === "ended" && (run.changes?.pending ?? 0) > 0;
}
