import type { BatchRecord } from "../cloud-records.ts";
import type { RunRecord } from "../records.ts";

/** How a batch's runs went so far. */
export type BatchCounts = Pick<BatchRecord, "queued" | "active" | "succeeded" | "failed" | "costUsd">;

/** Before any was started. */
export function toFirstCounts(count: number): BatchCounts {
  return { queued: count, active: 0, succeeded: 0, failed: 0, costUsd: 0 };
}

export function withStarted(counts: BatchCounts): BatchCounts {
  return { ...counts, queued: counts.queued - 1, active: counts.active + 1 };
}

export function withEnded(counts: BatchCounts, run: RunRecord): BatchCounts {
  const isGood = hasSucceeded(run);
  return {
    ...counts,
    active: counts.active - 1,
    succeeded: counts.succeeded + (isGood ? 1 : 0),
    failed: counts.failed + (isGood ? 0 : 1),
    costUsd: counts.costUsd + (run.costUsd ?? 0),
  };
}

/** What the runs on record come to; all of them have ended. */
export function countEnded(count: number, runs: readonly RunRecord[]): BatchCounts {
  let counts = toFirstCounts(count);
  for (const run of runs) counts = withEnded(withStarted(counts), run);
  return counts;
}

/** Whether its command ended with code 0 and what it changed came back. */
export function hasSucceeded({ exit, error }: RunRecord): boolean {
  return exit?.kind === "exited" && exit.code === 0 && error === undefined;
}
