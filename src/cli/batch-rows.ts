import { describeUsd } from "../sessions/cost/budget.ts";
import type { RunRecord } from "../sessions/records.ts";
import { hasSucceeded } from "../sessions/batch/batch-counts.ts";
import { describeOutcome } from "./describe-outcome.ts";

/** One run of a batch, as the table has it. */
export interface BatchRow {
  readonly index: number;
  readonly id: string;
  readonly kind: "active" | "failed" | "succeeded";
  /** "running", "exit 1"… */
  readonly outcome: string;
  readonly progress: string;
  /** Milliseconds since 1970; undefined until it has started, or ended. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly costUsd: number | undefined;
}

/** Little of each run, as there may be thousands. */
export function toBatchRow(run: RunRecord): BatchRow {
  const { state, startedAt, exitedAt, endedAt, requestedAt } = run;
  const end = exitedAt ?? endedAt;
  return {
    index: run.batch?.index ?? 0,
    id: run.id,
    kind: toKind(run),
    outcome: describeOutcome(run),
    progress: state === "ended" ? (run.error?.message ?? "") : (run.progress ?? ""),
    startedAt: Date.parse(startedAt ?? requestedAt),
    endedAt: end === undefined ? undefined : Date.parse(end),
    costUsd: run.costUsd,
  };
}

function toKind(run: RunRecord): BatchRow["kind"] {
  if (run.state !== "ended") return "active";
  return hasSucceeded(run) ? "succeeded" : "failed";
}

/** "#7  exit 1    12.3 s  $0.01  ID  why". @param digits of the largest index */
export function describeRow(row: BatchRow, now: number, digits: number): string {
  const { index, outcome, startedAt, endedAt, costUsd, id, progress } = row;
  const time = startedAt === undefined ? "" : `${(((endedAt ?? now) - startedAt) / 1000).toFixed(1)} s`;
  const place = `#${String(index).padEnd(digits)}`;
  const cost = costUsd === undefined ? "" : describeUsd(costUsd);
  const cells = [place, outcome.padEnd(10), time.padStart(9), cost, id, progress.replace(/\s+/g, " ")];
  return cells.filter((cell) => cell !== "").join("  ");
}
