import * as vscode from "vscode";
import type { RunRecord } from "../../sessions/records.ts";
import type { ChangeSetRecord } from "../../sessions/snapshot-records.ts";
import type { BatchRun } from "../batch/batch-store.ts";
import {
  changedFileCount,
  describeFileCount,
  describeRun,
  outcomeOf,
  type RunOutcome,
  titleOf,
} from "../describe-run.ts";
import { describeSentFiles } from "../describe-sent.ts";
import { describeTime } from "../describe-time.ts";
import { toSubject } from "../review/review-subject.ts";
import { hasPendingChanges, isLive, type RunStore } from "../run-store.ts";

const ICONS: Readonly<Record<RunOutcome, readonly [icon: string, color: string | undefined]>> = {
  live: ["sync~spin", undefined],
  succeeded: ["pass", "testing.iconPassed"],
  failed: ["error", "testing.iconFailed"],
  stopped: ["circle-slash", "testing.iconSkipped"],
};

export function toRunItem(run: RunRecord): vscode.TreeItem {
  const { Collapsed, None, Expanded } = vscode.TreeItemCollapsibleState;
  const isPending = hasPendingChanges(run);
  const isOpenable = !isLive(run) && changedFileCount(run) > 0;
  const item = new vscode.TreeItem(titleOf(run), isPending ? Expanded : isOpenable ? Collapsed : None);
  // VS Code keeps a row as it was, closed too: one that has something to open is another row.
  item.id = isOpenable ? `${run.id}/changed` : run.id;
  item.iconPath = toOutcomeIcon(outcomeOf(run));
  item.description = `${describeRun(run)} · ${describeTime(run.requestedAt)}`;
  item.tooltip = [titleOf(run), describeRun(run), new Date(run.requestedAt).toLocaleString(), ...explain(run)].join(
    "\n",
  );
  item.contextValue = ["run", isLive(run) ? "live" : "ended", ...(isPending ? ["pending"] : [])].join(";");
  item.command = { title: vscode.l10n.t("Show Output"), command: "sandpiper.showRun", arguments: [run.id] };
  item.accessibilityInformation = { label: `${titleOf(run)}, ${describeRun(run)}` };
  return item;
}

/** As {@link toRunItem}, below its batch: it is known by its index there. */
export function toBatchRunItem(run: BatchRun): vscode.TreeItem {
  const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = toRunItem(run);
  const label = `#${run.batch.index}`;
  item.label = label;
  item.description = describeRun(run);
  // Hundreds that open by themselves would hide each other, as would hundreds of terminals.
  if (item.collapsibleState === Expanded) item.collapsibleState = Collapsed;
  item.command = { title: vscode.l10n.t("Show Output"), command: "sandpiper.openRunLog", arguments: [run.id] };
  item.accessibilityInformation = { label: `${titleOf(run)} ${label}, ${describeRun(run)}` };
  return item;
}

export function toChangeSetItem(changeSet: ChangeSetRecord, store: RunStore): vscode.TreeItem {
  const { title } = toSubject(changeSet, store);
  const item = new vscode.TreeItem(title, vscode.TreeItemCollapsibleState.Expanded);
  const count = describeFileCount(changeSet.changes.pending);
  item.id = changeSet.id;
  item.iconPath = new vscode.ThemeIcon(changeSet.cause === "restore" ? "history" : "repo-pull");
  item.description = `${count} · ${describeTime(changeSet.createdAt)}`;
  item.tooltip = [title, count, new Date(changeSet.createdAt).toLocaleString()].join("\n");
  item.contextValue = "change-set;pending";
  item.command = { title: vscode.l10n.t("Review"), command: "sandpiper.reviewChanges", arguments: [changeSet.id] };
  item.accessibilityInformation = { label: `${title}, ${count}` };
  return item;
}

/** How it went, as the views draw it. */
export function toOutcomeIcon(outcome: RunOutcome): vscode.ThemeIcon {
  const [icon, color] = ICONS[outcome];
  return new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
}

function explain(run: RunRecord): readonly string[] {
  const skipped = run.skippedCount
    ? [vscode.l10n.t("{0} paths were not sent (ignored, secret or too large)", run.skippedCount)]
    : [];
  const sent = run.sent ? [describeSentFiles(run.sent)] : [];
  return [...(run.error ? [run.error.message] : []), ...(run.notes ?? []), ...sent, ...skipped];
}
