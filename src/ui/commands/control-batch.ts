import * as vscode from "vscode";
import type { BatchRecord } from "../../sessions/cloud-records.ts";
import { isLiveBatch } from "../batch/batch-store.ts";
import { describeBatch, titleOfBatch } from "../describe-batch.ts";
import { withProgress } from "../register-command.ts";
import { shownBatches } from "../views/runs-view.ts";
import type { CommandDeps } from "./command-deps.ts";
import { isBatchItem } from "./pick-run.ts";

/** Opens the live table of a batch. */
export async function showBatch(deps: CommandDeps, argument: unknown): Promise<void> {
  const batch = await pickBatch(deps, argument, () => true, vscode.l10n.t("Show which batch?"));
  if (batch) await deps.batchPanels.show(batch.id);
}

/** Starts no more runs of a batch and stops those that go on, after asking. Resolves when all have ended. */
export async function stopBatch(deps: CommandDeps, argument: unknown): Promise<void> {
  const batch = await pickBatch(deps, argument, isLiveBatch, vscode.l10n.t("Stop which batch?"));
  if (!batch || !isLiveBatch(batch)) return;
  const stop = vscode.l10n.t("Stop All");
  const detail = vscode.l10n.t(
    "{0} are running and {1} wait. What has ended keeps its results.",
    batch.active.toLocaleString(),
    batch.queued.toLocaleString(),
  );
  const title = titleOfBatch(batch);
  const message = vscode.l10n.t("Stop {0}?", title);
  if ((await vscode.window.showWarningMessage(message, { modal: true, detail }, stop)) !== stop) return;
  const engine = await deps.link.get();
  await withProgress(vscode.l10n.t("Stopping {0}", title), () => engine.stopBatch(batch.id));
}

/** The row's, the one with the id, the only one that fits, or the one that the user picks. */
async function pickBatch(
  deps: CommandDeps,
  argument: unknown,
  fits: (batch: BatchRecord) => boolean,
  placeHolder: string,
): Promise<BatchRecord | undefined> {
  const id = isBatchItem(argument) ? argument.batch.id : argument;
  if (typeof id === "string" && deps.store.batches.batch(id)) return deps.store.batches.batch(id);
  await deps.store.load();
  if (typeof id === "string") return deps.store.batches.batch(id);
  const items = shownBatches(deps.store)
    .filter(fits)
    .map((batch) => ({ label: titleOfBatch(batch), description: describeBatch(batch), batch }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There is no such batch in this workspace."));
  }
  return items.length <= 1 ? items[0]?.batch : (await vscode.window.showQuickPick(items, { placeHolder }))?.batch;
}
