import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { Change, ReviewedChange, RunRecord } from "../../sessions/records.ts";
import { titleOf } from "../describe-run.ts";
import { toSandboxUri } from "./review-files.ts";

/** The file that a change is about, as it is on this machine. */
export function toLocalUri(run: RunRecord, path: string): vscode.Uri {
  return vscode.Uri.joinPath(vscode.Uri.file(run.workspaceRoot), path);
}

/** Shows all changes side by side in one editor: the disk on the left, the sandbox on the right. */
export async function openReview(run: RunRecord, changes: readonly ReviewedChange[]): Promise<void> {
  const resources = changes.map((change) => {
    const local = toLocalUri(run, change.path);
    return [local, change.kind === "added" && change.status === "ready" ? undefined : local, rightSide(run, change)];
  });
  await vscode.commands.executeCommand("vscode.changes", toReviewTitle(run), resources);
}

/** After a decision an open review still shows what is decided: closes it, and shows what is left in its place. */
export async function refreshReview(run: RunRecord, left: readonly ReviewedChange[]): Promise<void> {
  // VS Code adds the number of files to the title, and gives such tabs no input to know them by.
  const title = `${toReviewTitle(run)} (`;
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => tab.label.startsWith(title));
  if (tabs.length === 0) return;
  await vscode.window.tabGroups.close(tabs);
  if (left.length > 0) await openReview(run, left);
}

function toReviewTitle(run: RunRecord): string {
  return vscode.l10n.t("Changes by {0}", titleOf(run));
}

/** Shows one change: what is on disk against what the sandbox has. */
export async function openChange(run: RunRecord, change: ReviewedChange): Promise<void> {
  const local = toLocalUri(run, change.path);
  const right = rightSide(run, change);
  const title = vscode.l10n.t("{0} (here ↔ sandbox)", toDisplay(change.path));
  if (!right) return void (await vscode.commands.executeCommand("vscode.open", local));
  const isNew = change.kind === "added" && change.status === "ready";
  if (isNew) return void (await vscode.commands.executeCommand("vscode.open", right, undefined, title));
  await vscode.commands.executeCommand("vscode.diff", local, right, title);
}

function rightSide(run: RunRecord, change: Change): vscode.Uri | undefined {
  return change.theirs ? toSandboxUri(run, change.path) : undefined;
}
