import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { Emitter } from "../../core/event.ts";
import type { BatchRecord } from "../../sessions/cloud-records.ts";
import type { RunRecord } from "../../sessions/records.ts";

/** A run that is one of a batch. */
export type BatchRun = RunRecord & { readonly batch: NonNullable<RunRecord["batch"]> };

/**
 * Batches and their runs, apart from single runs: there may be thousands, which lists, lenses and terminals of single runs
 * must not have to look through.
 */
export class BatchStore implements Disposable {
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new Emitter<string>());
  readonly #batches = new Map<string, BatchRecord>();
  readonly #runs = new Map<string, BatchRun>();
  /** Batch id -> its runs by id. */
  readonly #runsOf = new Map<string, Map<string, BatchRun>>();
  /** The same by index, as far as they were asked for since something changed. */
  readonly #sorted = new Map<string, readonly BatchRun[]>();

  /** With the id of the batch of which something changed; as often as it does. */
  readonly onDidChange = this.#changed.event;

  /** Newest first. */
  get all(): readonly BatchRecord[] {
    return [...this.#batches.values()].sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1));
  }

  batch(id: string): BatchRecord | undefined {
    return this.#batches.get(id);
  }

  run(id: string): BatchRun | undefined {
    return this.#runs.get(id);
  }

  /** Those that have started, by their index. */
  runsOf(batchId: string): readonly BatchRun[] {
    const known = this.#sorted.get(batchId);
    if (known) return known;
    const runs = [...(this.#runsOf.get(batchId)?.values() ?? [])].sort((a, b) => a.batch.index - b.batch.index);
    this.#sorted.set(batchId, runs);
    return runs;
  }

  /** Says nothing when the run had ended already by an earlier record. */
  putRun(run: BatchRun): void {
    const known = this.#runs.get(run.id);
    if (known && known.state === "ended" && run.state !== "ended") return;
    this.#keep(run);
    this.#changed.fire(run.batch.id);
  }

  /** @returns whether it began or ended with this record */
  putBatch(batch: BatchRecord): boolean {
    const known = this.#batches.get(batch.id);
    this.#batches.set(batch.id, batch);
    this.#changed.fire(batch.id);
    return known?.state !== batch.state;
  }

  /** Makes it hold what was read, but for records with the ids in `newer`. */
  replace(batches: readonly BatchRecord[], runs: readonly BatchRun[], newer: ReadonlySet<string>): void {
    const kept = [...this.#runs.values()].filter(({ id }) => newer.has(id));
    const keptBatches = [...this.#batches.values()].filter(({ id }) => newer.has(id));
    for (const map of [this.#runs, this.#runsOf, this.#sorted, this.#batches]) map.clear();
    for (const batch of [...batches, ...keptBatches]) this.#batches.set(batch.id, batch);
    for (const run of [...runs, ...kept]) this.#keep(run);
    for (const id of this.#batches.keys()) this.#changed.fire(id);
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #keep(run: BatchRun): void {
    const siblings = this.#runsOf.get(run.batch.id) ?? new Map<string, BatchRun>();
    this.#runsOf.set(run.batch.id, siblings);
    this.#sorted.delete(run.batch.id);
    const [first] = siblings.values();
    // Thousands of records that came one by one each have their own copy of what is the same in all.
    const shared = first ? { ...run, target: first.target, command: first.command } : run;
    siblings.set(run.id, shared);
    this.#runs.set(run.id, shared);
  }
}

export function isBatchRun(run: RunRecord): run is BatchRun {
  return run.batch !== undefined;
}

/** Whether the batch still starts runs or waits for some. */
export function isLiveBatch({ state }: BatchRecord): boolean {
  return state !== "ended";
}
