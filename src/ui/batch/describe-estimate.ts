import * as vscode from "vscode";
import type { BatchPlan, Rate } from "../../sessions/cloud-records.ts";
import type { Target } from "../../sessions/records.ts";
import { isPricedProvider } from "../abilities.ts";
import { describeRate, describeUsd } from "../describe-cost.ts";

const MS_PER_HOUR = 3_600_000;

/** How many run at once and what that may cost, a line each, with an empty one at the end. Nobody knows how long they will take. */
export function describeEstimate(target: Target, plan: BatchPlan, rate: Rate | undefined): readonly string[] {
  const atOnce =
    plan.concurrency === undefined
      ? vscode.l10n.t("At once: as many as the provider allows")
      : vscode.l10n.t("At once: {0}", plan.concurrency.toLocaleString());
  return [atOnce, ...(isPricedProvider(target.providerId) ? describeMoney(target, plan, rate) : []), ""];
}

function describeMoney({ lifetimeMs }: Target, { count, concurrency }: BatchPlan, rate?: Rate): readonly string[] {
  if (!rate) return [vscode.l10n.t("Estimate: none, its price is not known")];
  const most = Math.min(count, concurrency ?? count);
  const hours = lifetimeMs / MS_PER_HOUR;
  return [
    vscode.l10n.t(
      "Estimate: {0} for each, {1} while {2} run at once",
      describeRate(rate.usdPerHour),
      describeRate(rate.usdPerHour * most),
      most.toLocaleString(),
    ),
    vscode.l10n.t(
      "At most {0}, if each takes its whole {1} min; prices of {2}",
      describeUsd(rate.usdPerHour * hours * count),
      Math.round(hours * 60),
      rate.asOf,
    ),
  ];
}
