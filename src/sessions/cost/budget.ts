import { SandboxError } from "../../core/sandbox-error.ts";
import type { CostPolicy, Rate } from "../cloud-records.ts";

const HOUR_MS = 3_600_000;
/** A sandbox that could live for less than this is not worth starting. */
const LEAST_MS = 60_000;

/** What a start would add to. */
export interface Spending {
  /** US dollars of today, until now. */
  readonly todayUsd: number;
  /** Of all that runs or is being started. */
  readonly usdPerHour: number;
  readonly policy: CostPolicy;
}

/**
 * Whether so many sandboxes at that rate may be started.
 * @throws {SandboxError} `blocked` when a budget would be passed within a minute, or cannot be kept for want of a price
 */
export function checkBudget(
  { rate, what, count = 1 }: { readonly rate: Rate | undefined; readonly what: string; readonly count?: number },
  { todayUsd, usdPerHour, policy }: Spending,
): void {
  const { perRunUsd, perDayUsd } = policy;
  if (perRunUsd === 0 && perDayUsd === 0) return;
  if (rate === undefined)
    throw new SandboxError(
      "blocked",
      `The price of ${what} is not known, so your budget could not be kept. Set it in sandpiper.prices, or take away the budget (sandpiper.budget).`,
    );
  const leastUsd = toCost(rate, LEAST_MS);
  if (perRunUsd > 0 && leastUsd > perRunUsd)
    throw new SandboxError(
      "blocked",
      `A minute of ${what} costs more than a run may (${describeUsd(perRunUsd)}). Raise sandpiper.budget.perRunUsd, or take something cheaper.`,
    );
  const soonUsd = todayUsd + toCost({ ...rate, usdPerHour: usdPerHour + count * rate.usdPerHour }, LEAST_MS);
  if (perDayUsd > 0 && soonUsd > perDayUsd) throw new SandboxError("blocked", describeNoRoom(todayUsd, perDayUsd));
}

function describeNoRoom(todayUsd: number, perDayUsd: number): string {
  // Some of it is left, but not for a minute of that.
  if (todayUsd >= perDayUsd / 2) return describeDayOver(todayUsd, perDayUsd);
  return `Today's budget of ${describeUsd(perDayUsd)} has no room for a minute of that (${describeUsd(todayUsd)} so far). Raise sandpiper.budget.perDayUsd, or take something cheaper.`;
}

/** How long before a limit ending begins: a snapshot takes its time, and costs. Little of a small budget goes for that. */
export function toLeadMs(usdPerHour: number, budgetUsd: number): number {
  return Math.min(15_000, toDuration(usdPerHour, budgetUsd) / 10);
}

/** What to say when the day's budget is used up. */
export function describeDayOver(todayUsd: number, perDayUsd: number): string {
  return `Today's budget of ${describeUsd(perDayUsd)} is used up (${describeUsd(todayUsd)} so far). Raise sandpiper.budget.perDayUsd, or go on tomorrow.`;
}

/** What to say when a run's budget is used up. */
export function describeRunOver(budgetUsd: number): string {
  return `This run's budget of ${describeUsd(budgetUsd)} was reached, so its sandbox was ended. What it held is in a snapshot.`;
}

/** US dollars of so much time. */
export function toCost({ usdPerHour }: Rate, ms: number): number {
  return (usdPerHour * ms) / HOUR_MS;
}

/** How long that money lasts at the rate, in ms. */
export function toDuration(usdPerHour: number, usd: number): number {
  return (usd / usdPerHour) * HOUR_MS;
}

/** "$0.42"; small amounts with more digits. */
export function describeUsd(usd: number): string {
  if (usd > 0 && usd < 0.00005) return "<$0.0001";
  return usd > 0 && usd < 0.1 ? `$${usd.toFixed(4)}` : `$${usd.toFixed(2)}`;
}
