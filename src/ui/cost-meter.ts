import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../core/disposable-store.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { CostReport } from "../sessions/cloud-records.ts";
import { costOf, describeRate, describeUsd, listPriced, type PricedSession } from "./describe-cost.ts";
import { limitRate } from "./limit-rate.ts";
import type { RunStore } from "./run-store.ts";

const MS_PER_HOUR = 3_600_000;
/** Figures that change faster cannot be read. */
const MIN_REDRAW_MS = 1_000;
const MAX_REDRAW_MS = 60_000;
/** More sessions than this are summed up in the tooltip. */
const MAX_LISTED = 10;

/** What the sandboxes that are alive have cost and cost now, in the status bar. There while one of them costs something. */
export function createCostMeter(store: RunStore): Disposable {
  const resources = new DisposableStore();
  const item = resources.add(vscode.window.createStatusBarItem("sandpiper.costs", vscode.StatusBarAlignment.Left, 49));
  item.name = vscode.l10n.t("Sandbox Costs");
  item.command = "sandpiper.showCosts";
  let timer: NodeJS.Timeout | undefined;
  let isShown = false;
  const draw = (): void => {
    clearTimeout(timer);
    const sessions = listPriced(store);
    isShown = sessions.length > 0;
    if (!isShown) return item.hide();
    drawItem(item, sessions, store.costs);
    item.show();
    timer = setTimeout(() => limit.request(), untilNextCent(sessions));
  };
  const limit = resources.add(limitRate(draw, MIN_REDRAW_MS));
  resources.add(
    store.onDidChange(() => {
      // Without anything to count there is nothing to wait for.
      if (isShown || listPriced(store).length > 0) limit.request();
    }),
  );
  resources.add({ dispose: () => clearTimeout(timer) });
  return resources;
}

/** "12 sandboxes": what they have cost until now, and cost per hour, in US dollars. */
export function sumUp(sessions: readonly PricedSession[]): { readonly usd: number; readonly usdPerHour: number } {
  return {
    usd: sessions.reduce((sum, session) => sum + (costOf(session) ?? 0), 0),
    usdPerHour: sessions.reduce((sum, { rate }) => sum + rate.usdPerHour, 0),
  };
}

/**
 * What has been spent today by now: sandboxes have gone on since the report was made, which is not of today when the day
 * has changed since. In US dollars.
 */
export function todayUsd({ at, todayUsd: usd, usdPerHour }: CostReport, now = Date.now()): number {
  const made = Date.parse(at);
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const since = (usdPerHour * Math.max(0, now - Math.max(made, midnight))) / MS_PER_HOUR;
  return made < midnight ? since : usd + since;
}

function drawItem(item: vscode.StatusBarItem, sessions: readonly PricedSession[], costs: CostReport | undefined): void {
  const { usd, usdPerHour } = sumUp(sessions);
  const text = `${describeUsd(usd)} · ${describeRate(usdPerHour)}`;
  item.text = `$(dashboard) ${text}`;
  const rows = sessions.slice(0, MAX_LISTED).map(describeSession);
  const rest = sessions.length - rows.length;
  item.tooltip = [
    vscode.l10n.t("Sandboxes that run now: {0}", text),
    ...(costs ? [describeToday(costs), describeMonth(costs), describeLack(costs)] : []),
    ...rows,
    ...(rest > 0 ? [vscode.l10n.t("and {0} more", rest)] : []),
  ]
    .filter((line) => line !== undefined)
    .join("\n");
  item.accessibilityInformation = {
    label: vscode.l10n.t("Sandbox costs: {0} so far, {1}", describeUsd(usd), describeRate(usdPerHour)),
    role: "button",
  };
}

/** "Today: $4.20 of $5.00": with the day's budget, where there is one. */
export function describeToday(costs: CostReport): string {
  const { perDayUsd } = costs.policy;
  const today = describeUsd(todayUsd(costs));
  return perDayUsd > 0
    ? vscode.l10n.t("Today: {0} of {1}", today, describeUsd(perDayUsd))
    : vscode.l10n.t("Today: {0}", today);
}

export function describeMonth({ monthUsd }: CostReport): string {
  return vscode.l10n.t("This month: {0}", describeUsd(monthUsd));
}

/** What the sums lack; undefined when they lack nothing. */
export function describeLack({ isPartial }: CostReport): string | undefined {
  return isPartial ? vscode.l10n.t("Some prices are unknown: the sums are too low.") : undefined;
}

function describeSession(session: PricedSession): string {
  const parts = [session.gpu, describeUsd(costOf(session) ?? 0), describeRate(session.rate.usdPerHour)];
  return `${toDisplay(session.name)}: ${parts.filter((part) => part !== undefined).join(" · ")}`;
}

/** How long what the item says stays true, in milliseconds. */
function untilNextCent(sessions: readonly PricedSession[]): number {
  const { usd, usdPerHour } = sumUp(sessions);
  const cents = usd * 100;
  const ms = ((Math.floor(cents) + 1 - cents) * MS_PER_HOUR) / (usdPerHour * 100);
  return Math.min(MAX_REDRAW_MS, Math.ceil(ms));
}
