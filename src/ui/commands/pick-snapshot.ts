import * as vscode from "vscode";
import type { SnapshotChange, SnapshotRecord } from "../../sessions/snapshot-records.ts";
import { describeContents, titleOfSnapshot } from "../describe-snapshot.ts";
import { describeAge } from "../describe-time.ts";
import { openRoots } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { hasKind } from "./pick-run.ts";

/** Items of the Snapshots view, as VS Code hands them to commands. */
export interface SnapshotItem {
  readonly kind: "snapshot";
  readonly snapshot: SnapshotRecord;
}
/** One path in which a snapshot differs from the one before. */
export interface SnapshotDifferenceItem {
  readonly kind: "snapshot-difference";
  readonly from: SnapshotRecord;
  readonly to: SnapshotRecord;
  readonly change: SnapshotChange;
}

function isSnapshotItem(argument: unknown): argument is SnapshotItem {
  return hasKind(argument, "snapshot");
}

export function isSnapshotDifferenceItem(argument: unknown): argument is SnapshotDifferenceItem {
  return hasKind(argument, "snapshot-difference");
}

/**
 * The snapshot that a command is about: the item's, the one with the id, or the one the user picks. Undefined when there
 * is none or the user picks none.
 */
export async function pickSnapshot(
  deps: CommandDeps,
  argument: unknown,
  question: string,
  fits: (snapshot: SnapshotRecord) => boolean = () => true,
): Promise<SnapshotRecord | undefined> {
  if (isSnapshotItem(argument)) return deps.store.snapshot(argument.snapshot.id) ?? argument.snapshot;
  await deps.store.load();
  if (typeof argument === "string") return deps.store.snapshot(argument);
  const snapshots = listSnapshotsHere(deps).filter(fits);
  if (snapshots.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There is no such snapshot of this workspace."));
    return undefined;
  }
  const items = snapshots.map((snapshot) => ({
    label: titleOf(deps, snapshot),
    description: describeAge(snapshot.createdAt),
    detail: describeContents(snapshot),
    iconPath: new vscode.ThemeIcon(snapshot.isPinned ? "pinned" : "history"),
    snapshot,
  }));
  return (await vscode.window.showQuickPick(items, { placeHolder: question, matchOnDescription: true }))?.snapshot;
}

/** All that are selected in the view when the argument is one of them; else the one of {@link pickSnapshot}. */
export async function pickSnapshots(
  deps: CommandDeps,
  argument: unknown,
  selection: unknown,
  question: string,
): Promise<readonly SnapshotRecord[]> {
  const selected = Array.isArray(selection) ? selection.filter(isSnapshotItem) : [];
  if (selected.length > 1) return selected.map(({ snapshot }) => deps.store.snapshot(snapshot.id) ?? snapshot);
  const snapshot = await pickSnapshot(deps, argument, question);
  return snapshot ? [snapshot] : [];
}

/** Of this window's folders, newest first. */
function listSnapshotsHere({ store }: CommandDeps): readonly SnapshotRecord[] {
  const roots = openRoots();
  return store.snapshots.filter(({ workspaceRoot }) => roots.includes(workspaceRoot));
}

/** As the view calls it. */
export function titleOf({ store }: CommandDeps, snapshot: SnapshotRecord): string {
  return titleOfSnapshot(snapshot, (id) => store.run(id));
}
