import * as vscode from "vscode";
import type { BatchRecord } from "../../sessions/cloud-records.ts";
import type { BatchItem, RunItem } from "../commands/pick-run.ts";
import type { BatchStore } from "../batch/batch-store.ts";
import { describeBatch, outcomeOfBatch, titleOfBatch } from "../describe-batch.ts";
import { describeTime } from "../describe-time.ts";
import { toOutcomeIcon } from "./run-item.ts";

/** Some of a batch's runs: those with an index of `from` or more. */
export interface BatchPageItem {
  readonly kind: "batch-page";
  readonly batch: BatchRecord;
  readonly from: number;
}

/** So many runs are listed below one row. */
const PAGE_SIZE = 50;

export function toBatchItem(batch: BatchRecord): vscode.TreeItem {
  const title = titleOfBatch(batch);
  const item = new vscode.TreeItem(title, vscode.TreeItemCollapsibleState.Collapsed);
  const text = describeBatch(batch);
  item.id = batch.id;
  item.iconPath = toOutcomeIcon(outcomeOfBatch(batch));
  item.description = `${text} · ${describeTime(batch.requestedAt)}`;
  item.tooltip = [
    title,
    text,
    new Date(batch.requestedAt).toLocaleString(),
    vscode.l10n.t("{0} at once", batch.concurrency.toLocaleString()),
    ...(batch.error === undefined ? [] : [batch.error]),
  ].join("\n");
  item.contextValue = ["batch", batch.state === "ended" ? "ended" : "live"].join(";");
  item.command = { title: vscode.l10n.t("Show Table"), command: "sandpiper.showBatch", arguments: [batch.id] };
  item.accessibilityInformation = { label: `${title}, ${text}` };
  return item;
}

/** "#50 – #99", with how many of them have started. */
export function toBatchPageItem({ batch, from }: BatchPageItem, store: BatchStore): vscode.TreeItem {
  const label = `#${from} – #${Math.min(from + PAGE_SIZE, batch.count) - 1}`;
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Collapsed);
  item.id = `${batch.id}/${from}`;
  const started = runsFrom(store, batch, from).length;
  item.description = vscode.l10n.t("{0} started", started);
  item.accessibilityInformation = { label: `${label}, ${vscode.l10n.t("{0} started", started)}` };
  return item;
}

/** What is below a batch: its runs that have started, or pages of them where they are many. */
export function childrenOfBatch(store: BatchStore, batch: BatchRecord): (RunItem | BatchPageItem)[] {
  if (batch.count <= PAGE_SIZE) return childrenOfPage(store, { kind: "batch-page", batch, from: 0 });
  const pages = Array.from({ length: Math.ceil(batch.count / PAGE_SIZE) }, (_, page) => page * PAGE_SIZE);
  const highest = store.runsOf(batch.id).at(-1)?.batch.index ?? -1;
  return pages.filter((from) => from <= highest).map((from) => ({ kind: "batch-page", batch, from }));
}

export function childrenOfPage(store: BatchStore, { batch, from }: BatchPageItem): RunItem[] {
  return runsFrom(store, batch, from).map((run) => ({ kind: "run", run }));
}

export function toBatchNode(batch: BatchRecord): BatchItem {
  return { kind: "batch", batch };
}

function runsFrom(store: BatchStore, batch: BatchRecord, from: number): readonly RunItem["run"][] {
  return store.runsOf(batch.id).filter(({ batch: { index } }) => index >= from && index < from + PAGE_SIZE);
}
