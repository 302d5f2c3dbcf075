import type { BatchRecord } from "../sessions/cloud-records.ts";
import { describeUsd } from "../sessions/cost/budget.ts";
import { type BatchRow, describeRow } from "./batch-rows.ts";

/** The part of a terminal that a table may take. */
export interface TableSize {
  readonly columns: number;
  readonly rows: number;
}

const RANKS: Readonly<Record<BatchRow["kind"], number>> = { active: 0, failed: 1, succeeded: 2 };

/**
 * The table of a batch as lines no longer than the terminal is wide: as many runs as fit, those that go on first, then
 * those that failed, then what ended last; and a line that sums up all of them.
 */
export function drawBatch(
  batch: BatchRecord,
  rows: readonly BatchRow[],
  size: TableSize,
  now: number,
): readonly string[] {
  const digits = String(batch.count - 1).length;
  const shown = [...rows].sort(byInterest).slice(0, Math.max(0, size.rows - 2));
  const lines = [...shown.map((row) => describeRow(row, now, digits)), describeBatch(batch)];
  return lines.map((line) => line.slice(0, size.columns - 1));
}

function byInterest(a: BatchRow, b: BatchRow): number {
  if (a.kind !== b.kind) return RANKS[a.kind] - RANKS[b.kind];
  return a.kind === "succeeded" ? (b.endedAt ?? 0) - (a.endedAt ?? 0) : a.index - b.index;
}

/** "37 of 100 ended: 35 succeeded, 2 failed; 8 running, 55 waiting; $1.23" */
export function describeBatch({ count, succeeded, failed, active, queued, state, costUsd }: BatchRecord): string {
  const going =
    state === "ended" ? (queued > 0 ? `; ${queued} never started` : "") : `; ${active} going on, ${queued} waiting`;
  const stopping = state === "stopping" ? " (stopping)" : "";
  const cost = costUsd > 0 ? `; ${describeUsd(costUsd)}` : "";
  return `${succeeded + failed} of ${count} ended: ${succeeded} succeeded, ${failed} failed${going}${cost}${stopping}`;
}
