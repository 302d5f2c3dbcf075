import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { CostReport } from "../../sessions/cloud-records.ts";
import { describeLack, describeMonth, describeToday, sumUp } from "../cost-meter.ts";
import { costOf, describeRate, describeUsd, listPriced, type PricedSession } from "../describe-cost.ts";
import { describeShortPlace } from "../describe-run.ts";
import { openSettings, type Remedy } from "../show-error.ts";
import type { CommandDeps } from "./command-deps.ts";

interface CostItem extends vscode.QuickPickItem {
  readonly action?: Remedy;
}

/** Lists what sandboxes have cost and what costs something now. Picking a session offers to end it, all else leads to the settings behind it. */
export async function showCosts(deps: CommandDeps): Promise<void> {
  await deps.store.load();
  const costs = await deps.store.loadCosts();
  const sessions = listPriced(deps.store);
  const item = await vscode.window.showQuickPick([...totalItems(costs), ...sessionItems(sessions), ...settingItems()], {
    title: vscode.l10n.t("Sandbox Costs"),
    placeHolder: vscode.l10n.t("Pick a session to end it, or a setting"),
    matchOnDescription: true,
  });
  if (item?.action) await vscode.commands.executeCommand(item.action.command, ...(item.action.args ?? []));
}

function totalItems(costs: CostReport): readonly CostItem[] {
  const { perRunUsd } = costs.policy;
  const lack = describeLack(costs);
  return [
    toBudgetItem(describeToday(costs), "calendar"),
    toBudgetItem(describeMonth(costs), "calendar"),
    ...(perRunUsd > 0 ? [toBudgetItem(vscode.l10n.t("Budget of a run: {0}", describeUsd(perRunUsd)), "shield")] : []),
    ...(lack === undefined ? [] : [toPricesItem(lack, "warning")]),
  ];
}

function toBudgetItem(label: string, icon: string): CostItem {
  return { label, iconPath: new vscode.ThemeIcon(icon), action: openSettings("sandpiper.budget") };
}

function toPricesItem(label: string, icon: string): CostItem {
  return { label, iconPath: new vscode.ThemeIcon(icon), action: openSettings("sandpiper.prices") };
}

function sessionItems(sessions: readonly PricedSession[]): readonly CostItem[] {
  if (sessions.length === 0) return [separator(vscode.l10n.t("Nothing that costs money runs now"))];
  const { usd, usdPerHour } = sumUp(sessions);
  const sum = vscode.l10n.t("Running now: {0} so far, {1}", describeUsd(usd), describeRate(usdPerHour));
  return [separator(sum), ...sessions.map(toSessionItem)];
}

function toSessionItem(session: PricedSession): CostItem {
  const { rate, gpu } = session;
  const parts = [describeShortPlace(session), gpu, describeUsd(costOf(session) ?? 0), describeRate(rate.usdPerHour)];
  return {
    label: toDisplay(session.name),
    description: parts.filter((part) => part !== undefined).join(" · "),
    detail: vscode.l10n.t("Prices of {0}", rate.asOf),
    iconPath: new vscode.ThemeIcon("vm-active"),
    action: { title: "", command: "sandpiper.destroySession", args: [{ kind: "session", session }] },
  };
}

function settingItems(): readonly CostItem[] {
  return [
    separator(vscode.l10n.t("Settings")),
    toBudgetItem(vscode.l10n.t("Set a Budget…"), "shield"),
    toPricesItem(vscode.l10n.t("Change Prices…"), "tag"),
  ];
}

function separator(label: string): CostItem {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
