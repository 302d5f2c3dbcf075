import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { ReviewedChange } from "../../sessions/records.ts";
import { toMergedUri, toTheirsUri } from "./review-files.ts";
import type { ReviewSubject } from "./review-subject.ts";
import { toFolderUri } from "../workspace-folder.ts";

/** More files than this make an editor of side-by-side diffs that nobody reads and that takes long to open. */
const MAX_DIFFS = 300;

/** As `vscode.changes` takes it. */
type DiffResource = readonly [label: vscode.Uri, left: vscode.Uri | undefined, right: vscode.Uri | undefined];

/** The file that a change is about, as it is on this machine. */
export function toLocalUri(subject: Pick<ReviewSubject, "workspaceRoot">, path: string): vscode.Uri {
  return vscode.Uri.joinPath(toFolderUri(subject.workspaceRoot), path);
}

/** Shows all changes side by side in one editor: the disk on the left, what applying would make of it on the right. */
export async function openReview(subject: ReviewSubject, changes: readonly ReviewedChange[]): Promise<void> {
  const moved = new Set(changes.flatMap(({ renamedFrom }) => renamedFrom ?? []));
  // The file that a rename removes is shown once, on the left of the new one.
  const shown = changes.filter(({ path, kind }) => kind !== "deleted" || !moved.has(path));
  const resources = shown.map((change): DiffResource => {
    const local = toLocalUri(subject, change.path);
    return [local, leftSide(subject, change), rightSide(subject, change)];
  });
  await openDiffs(subject.heading, resources);
}

/** Opens many diffs in one editor, and says so when there are too many for it. */
export async function openDiffs(title: string, resources: readonly DiffResource[]): Promise<void> {
  await vscode.commands.executeCommand("vscode.changes", title, resources.slice(0, MAX_DIFFS));
  if (resources.length <= MAX_DIFFS) return;
  void vscode.window.showInformationMessage(
    vscode.l10n.t("The editor shows the first {0} of {1} files.", MAX_DIFFS, resources.length),
  );
}

/** After a decision an open review still shows what is decided: closes it, and shows what is left in its place. */
export async function refreshReview(subject: ReviewSubject, left: readonly ReviewedChange[]): Promise<void> {
  // VS Code adds the number of files to the title, and gives such tabs no input to know them by.
  const title = `${subject.heading} (`;
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => tab.label.startsWith(title));
  if (tabs.length === 0) return;
  await vscode.window.tabGroups.close(tabs);
  if (left.length > 0) await openReview(subject, left);
}

/** Shows one change, in whatever viewer VS Code has for such files: what is on disk against what applying would make of it. */
export async function openChange(subject: ReviewSubject, change: ReviewedChange): Promise<void> {
  const left = leftSide(subject, change);
  const right = rightSide(subject, change);
  await openPair(left, right, toDiffTitle(subject, change));
}

/** Two versions of a file side by side, or the only one there is. */
export async function openPair(
  left: vscode.Uri | undefined,
  right: vscode.Uri | undefined,
  title: string,
): Promise<void> {
  if (left && right) await vscode.commands.executeCommand("vscode.diff", left, right, title);
  else await vscode.commands.executeCommand("vscode.open", right ?? left, undefined, title);
}

function toDiffTitle(subject: ReviewSubject, change: ReviewedChange): string {
  const path = toDisplay(change.path);
  if (change.status === "merge") return vscode.l10n.t("{0} (here ↔ merged)", path);
  return subject.origin === "snapshot"
    ? vscode.l10n.t("{0} (here ↔ snapshot)", path)
    : vscode.l10n.t("{0} (here ↔ sandbox)", path);
}

function leftSide(subject: ReviewSubject, change: ReviewedChange): vscode.Uri | undefined {
  if (change.kind !== "added" || change.status !== "ready") return toLocalUri(subject, change.path);
  return change.renamedFrom === undefined ? undefined : toLocalUri(subject, change.renamedFrom);
}

function rightSide(subject: ReviewSubject, change: ReviewedChange): vscode.Uri | undefined {
  if (change.status === "merge" && change.merged) return toMergedUri(subject, change.path, change.merged);
  return change.theirs ? toTheirsUri(subject, change.path) : undefined;
}
