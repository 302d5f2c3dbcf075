import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { ReviewedChange } from "../../sessions/records.ts";
import type { ChangeItem } from "../commands/pick-run.ts";
import { toLocalUri } from "../review/open-review.ts";
import type { ReviewSubject } from "../review/review-subject.ts";

/** A file of a change set in a tree, with what will become of it and what stands in the way. */
export function toChangeItem(subject: ReviewSubject, node: ChangeItem): vscode.TreeItem {
  const { change } = node;
  const { name, folder } = splitPath(change.path);
  const label = change.renamedFrom === undefined ? toDisplay(name) : toRenameLabel(change.path, change.renamedFrom);
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.None);
  const state = describeChange(change);
  item.id = `${subject.id}/${change.path}`;
  item.resourceUri = toLocalUri(subject, change.path);
  item.iconPath = isConflict(change)
    ? new vscode.ThemeIcon("warning", new vscode.ThemeColor("list.warningForeground"))
    : vscode.ThemeIcon.File;
  item.description = [folder && toDisplay(folder), state].filter((part) => part).join(" · ");
  item.tooltip = [toDisplay(change.path), state, ...explain(change)].join("\n");
  item.contextValue = ["change", change.decision, ...(isConflict(change) ? ["conflict"] : [])].join(";");
  item.command = { title: vscode.l10n.t("Open Diff"), command: "sandpiper.openChange", arguments: [node] };
  item.accessibilityInformation = { label: `${toDisplay(change.path)}, ${state}` };
  return item;
}

/** The path's last part and the folder before it, which is empty at the root. */
export function splitPath(path: string): { readonly name: string; readonly folder: string } {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return { name, folder: path.slice(0, -name.length - 1) };
}

/** "old.py → new.py"; the old one's folder is named when it is another. */
export function toRenameLabel(path: string, from: string): string {
  const [old, now] = [splitPath(from), splitPath(path)];
  return `${toDisplay(old.folder === now.folder ? old.name : from)} → ${toDisplay(now.name)}`;
}

function isConflict(change: ReviewedChange): boolean {
  return change.decision === "pending" && change.status === "conflict";
}

function describeChange(change: ReviewedChange): string {
  const kind = describeKind(change);
  if (change.decision === "applied") return vscode.l10n.t("{0}, applied", kind);
  if (change.decision === "discarded") return vscode.l10n.t("{0}, discarded", kind);
  if (change.status === "conflict") return describeConflict(change);
  if (change.isProtected) return vscode.l10n.t("{0}, protected", kind);
  return change.status === "merge" ? vscode.l10n.t("{0}, merges with your edits", kind) : kind;
}

function describeConflict({ kind }: ReviewedChange): string {
  return kind === "deleted"
    ? vscode.l10n.t("conflict: deleted there, changed here")
    : vscode.l10n.t("conflict: changed here too");
}

/** "added", "renamed"… */
export function describeKind({
  kind,
  renamedFrom,
}: {
  readonly kind: ReviewedChange["kind"];
  readonly renamedFrom?: string;
}): string {
  if (renamedFrom !== undefined) return vscode.l10n.t("renamed");
  return { added: vscode.l10n.t("added"), modified: vscode.l10n.t("modified"), deleted: vscode.l10n.t("deleted") }[
    kind
  ];
}

function explain(change: ReviewedChange): readonly string[] {
  if (change.decision !== "pending") return [];
  if (change.isProtected) return change.protectedBecause === undefined ? [] : [toDisplay(change.protectedBecause)];
  if (change.status === "merge") return [vscode.l10n.t("Both sides changed different lines. Applying keeps both.")];
  if (change.status === "conflict")
    return [vscode.l10n.t("Both sides changed the same lines. Keep yours or take the other.")];
  return [];
}
