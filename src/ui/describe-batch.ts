import * as vscode from "vscode";
import { toDisplay } from "../core/workspace-path.ts";
import type { BatchRecord } from "../sessions/cloud-records.ts";
import { describeUsd } from "./describe-cost.ts";
import type { RunOutcome } from "./describe-run.ts";

/** "train.py × 1,000", fit to be shown anywhere. */
export function titleOfBatch({ title, count }: BatchRecord): string {
  return `${toDisplay(title)} × ${count.toLocaleString()}`;
}

/** Runs of it that have ended. */
export function endedCount({ succeeded, failed }: BatchRecord): number {
  return succeeded + failed;
}

/** How far it is or how it went, as an icon's meaning. A batch that was ended early has failed or was stopped. */
export function outcomeOfBatch(batch: BatchRecord): RunOutcome {
  if (batch.state !== "ended") return "live";
  if (batch.failed > 0 || batch.error !== undefined) return "failed";
  return batch.succeeded < batch.count ? "stopped" : "succeeded";
}

/** "120 of 1,000 done, 3 failed · 64 running · $1.20". */
export function describeBatch(batch: BatchRecord): string {
  const done = vscode.l10n.t("{0} of {1} done", endedCount(batch).toLocaleString(), batch.count.toLocaleString());
  const failed = batch.failed > 0 ? `, ${vscode.l10n.t("{0} failed", batch.failed.toLocaleString())}` : "";
  const active =
    batch.state === "stopping"
      ? vscode.l10n.t("stopping…")
      : batch.active > 0
        ? vscode.l10n.t("{0} running", batch.active.toLocaleString())
        : undefined;
  const cost = batch.costUsd > 0 ? describeUsd(batch.costUsd) : undefined;
  return [`${done}${failed}`, active, cost].filter((part) => part !== undefined).join(" · ");
}
