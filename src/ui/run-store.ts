import { type Disposable, DisposableStore } from "../core/disposable-store.ts";
import { Emitter } from "../core/event.ts";
import type { BatchRecord, CostReport } from "../sessions/cloud-records.ts";
import type { EngineEvent } from "../sessions/engine.ts";
import type { RunRecord, SessionRecord } from "../sessions/records.ts";
import type { ChangeSetRecord, SnapshotRecord } from "../sessions/snapshot-records.ts";
import { BatchStore, isBatchRun, isLiveBatch } from "./batch/batch-store.ts";
import type { EngineLink } from "./engine-link.ts";
import { limitRate } from "./limit-rate.ts";

/** Output of a run that can now be read, up to `sizeBytes` of its log. */
export interface OutputAdvance {
  readonly runId: string;
  readonly sizeBytes: number;
}

/** Hundreds of sandboxes that are made for one run each come and go: who draws hears of them, and of what they cost, this often. */
const OFTEN_MS = 500;

/** What this window knows of the engine's records: filled when the engine is reached, kept up by its events. Everything drawn is drawn from here. */
export class RunStore implements Disposable {
  readonly #link: EngineLink;
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new Emitter<RunRecord | undefined>());
  readonly #advanced = this.#resources.add(new Emitter<OutputAdvance>());
  readonly #resultsAdvanced = this.#resources.add(new Emitter<OutputAdvance>());
  readonly #runs = new Map<string, RunRecord>();
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #snapshots = new Map<string, SnapshotRecord>();
  readonly #changeSets = new Map<string, ChangeSetRecord>();
  readonly #told = new Set<Set<string>>();
  readonly #changedOften = this.#resources.add(limitRate(() => this.#changed.fire(undefined), OFTEN_MS));
  #sortedRuns: readonly RunRecord[] | undefined;
  #costs: CostReport | undefined;

  /** Batches and the runs that are theirs, which are in no other list here. */
  readonly batches = this.#resources.add(new BatchStore());
  /** With the single run that changed, or undefined when something else or everything did. */
  readonly onDidChange = this.#changed.event;
  readonly onDidAdvance = this.#advanced.event;
  /** The same of what a cell shows, and its file. */
  readonly onDidAdvanceResults = this.#resultsAdvanced.event;

  constructor(link: EngineLink) {
    this.#link = link;
    this.#resources.add(link.onDidChange((event) => this.#take(event)));
    // Whatever was missed while there was no connection is read afresh.
    this.#resources.add(
      link.onDidChangeState((state) => {
        const isCut =
          state === "idle" &&
          (this.runs.some(isLive) || this.sessions.length > 0 || this.batches.all.some(isLiveBatch));
        // An engine that went away unasked is started anew, to say what became of its runs and sandboxes.
        if (state === "connected" || isCut) void this.load().catch(() => undefined);
      }),
    );
  }

  /** Newest first; single ones. */
  get runs(): readonly RunRecord[] {
    this.#sortedRuns ??= [...this.#runs.values()].sort((a, b) => newestFirst(a.requestedAt, b.requestedAt));
    return this.#sortedRuns;
  }

  /** What sandboxes have cost, as far as it has been told. */
  get costs(): CostReport | undefined {
    return this.#costs;
  }

  /** Newest first, without those that have ended. */
  get sessions(): readonly SessionRecord[] {
    return [...this.#sessions.values()]
      .filter((session) => session.state !== "ended")
      .sort((a, b) => newestFirst(a.createdAt, b.createdAt));
  }

  /** Those that have ended and are still on record; what was used last comes first. */
  get endedSessions(): readonly SessionRecord[] {
    return [...this.#sessions.values()]
      .filter((session) => session.state === "ended")
      .sort((a, b) => newestFirst(a.lastUsedAt, b.lastUsedAt));
  }

  /** Newest first. */
  get snapshots(): readonly SnapshotRecord[] {
    return [...this.#snapshots.values()].sort((a, b) => newestFirst(a.id, b.id));
  }

  /** Newest first; decided ones too. */
  get changeSets(): readonly ChangeSetRecord[] {
    return [...this.#changeSets.values()].sort((a, b) => newestFirst(a.createdAt, b.createdAt));
  }

  /** Single or of a batch. */
  run(id: string): RunRecord | undefined {
    return this.#runs.get(id) ?? this.batches.run(id);
  }

  session(id: string): SessionRecord | undefined {
    return this.#sessions.get(id);
  }

  snapshot(id: string): SnapshotRecord | undefined {
    return this.#snapshots.get(id);
  }

  changeSet(id: string): ChangeSetRecord | undefined {
    return this.#changeSets.get(id);
  }

  /** Puts a record in before its event arrives. */
  putChangeSet(changeSet: ChangeSetRecord): void {
    this.#put(this.#changeSets, changeSet);
  }

  /** Puts a record in before its event arrives. */
  putRun(run: RunRecord): void {
    const known = this.#runs.get(run.id);
    if (known && known.state === "ended" && run.state !== "ended") return;
    this.#note(run.id);
    if (isBatchRun(run)) return this.batches.putRun(run);
    this.#runs.set(run.id, run);
    this.#sortedRuns = undefined;
    this.#changed.fire(run);
  }

  /** Puts a record in before its event arrives. */
  putBatch(batch: BatchRecord): void {
    this.#note(batch.id);
    if (this.batches.putBatch(batch)) this.#changed.fire(undefined);
  }

  /** Puts a record in before its event arrives. */
  putSession(session: SessionRecord): void {
    if (isShown(session) && !session.isDetached) return this.#put(this.#sessions, session);
    this.#note(session.id);
    if (isShown(session)) this.#sessions.set(session.id, session);
    else this.#sessions.delete(session.id);
    this.#changedOften.request();
  }

  /** Reads anew what sandboxes have cost. @throws {SandboxError} */
  async loadCosts(): Promise<CostReport> {
    const costs = await (await this.#link.get()).readCosts();
    this.#putCosts(costs);
    return costs;
  }

  /** Reads every record from the engine, which is started if need be. @throws {SandboxError} */
  async load(): Promise<void> {
    // Ids of what is told anew meanwhile: that is newer than what is read.
    const told = new Set<string>();
    this.#told.add(told);
    try {
      const engine = await this.#link.get();
      const [runs, sessions, snapshots, changeSets, batches, costs] = await Promise.all([
        engine.listRuns(),
        engine.listSessions(),
        engine.listSnapshots(),
        engine.listChangeSets(),
        engine.listBatches(),
        // What something costs is told by events as well, and hides no run when it is not known.
        engine.readCosts().catch(() => undefined),
      ]);
      const single = runs.filter((run) => !isBatchRun(run));
      replace(this.#runs, single, told);
      this.batches.replace(batches, runs.filter(isBatchRun), told);
      replace(this.#sessions, sessions.filter(isShown), told);
      replace(this.#snapshots, snapshots, told);
      replace(this.#changeSets, changeSets, told);
      this.#costs = costs ?? this.#costs;
    } finally {
      this.#told.delete(told);
    }
    this.#sortedRuns = undefined;
    this.#changed.fire(undefined);
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #take(event: EngineEvent): void {
    switch (event.type) {
      case "results":
        return this.#resultsAdvanced.fire(event);
      case "output":
        return this.#advanced.fire(event);
      case "run":
        return this.putRun(event.run);
      case "session":
        return this.putSession(event.session);
      case "snapshot":
        return this.#put(this.#snapshots, event.snapshot);
      case "batch":
        return this.putBatch(event.batch);
      case "costs":
        return this.#putCosts(event.costs);
      case "change-set":
        return this.#put(this.#changeSets, event.changeSet);
      case "snapshot-deleted":
        this.#note(event.snapshotId);
        this.#snapshots.delete(event.snapshotId);
        return this.#changed.fire(undefined);
    }
  }

  #put<R extends { readonly id: string }>(known: Map<string, R>, record: R): void {
    this.#note(record.id);
    known.set(record.id, record);
    this.#changed.fire(undefined);
  }

  #putCosts(costs: CostReport): void {
    this.#costs = costs;
    this.#changedOften.request();
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

/** Of the end of one that was made for a single run only the run is news, and that of one that nobody used is none. */
function isShown({ isDetached, isWarm, state }: SessionRecord): boolean {
  return state !== "ended" || !(isDetached || isWarm);
}

/** Whether the run still goes on. */
export function isLive(run: RunRecord): boolean {
  return run.state !== "ended";
}

/** Whether the user still has changes of this run or change set to decide. */
export function hasPendingChanges(record: RunRecord | ChangeSetRecord): boolean {
  if ("state" in record && isLive(record)) return false;
  return (record.changes?.pending ?? 0) > 0;
}
