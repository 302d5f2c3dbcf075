import type { Clock } from "../clock.ts";
import type { CostPolicy, Rate } from "../cloud-records.ts";
import type { RunRecord } from "../records.ts";
import { toCost, toDuration, toLeadMs } from "./budget.ts";

/** What a run's command has cost until now, as its record says it. */
export function toRunCost(
  { startedAt }: RunRecord,
  rate: Rate | undefined,
  clock: Pick<Clock, "now">,
): Pick<RunRecord, "costUsd"> {
  if (!rate || startedAt === undefined) return {};
  return { costUsd: toCost(rate, clock.now() - Date.parse(startedAt)) };
}

/** When a running run has used up its money, the smaller of its own budget and the user's; undefined when it never does. */
export function findBudgetEnd(
  run: RunRecord,
  rate: Rate | undefined,
  { perRunUsd }: CostPolicy,
): { readonly atMs: number; readonly budgetUsd: number } | undefined {
  const budgetUsd = Math.min(run.budgetUsd ?? Infinity, perRunUsd > 0 ? perRunUsd : Infinity);
  // One that is being ended for its cost is over it already.
  const isRunning = (run.state === "running" || run.state === "stopping") && run.stopReason !== "budget";
  if (!isRunning || run.startedAt === undefined || !Number.isFinite(budgetUsd)) return undefined;
  if (!rate || rate.usdPerHour === 0) return undefined;
  const { usdPerHour } = rate;
  const allowedMs = toDuration(usdPerHour, budgetUsd) - toLeadMs(usdPerHour, budgetUsd);
  return { atMs: Math.floor(Date.parse(run.startedAt) + allowedMs), budgetUsd };
}
