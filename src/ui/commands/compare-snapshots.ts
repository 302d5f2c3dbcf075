import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { Engine } from "../../sessions/engine.ts";
import type { SnapshotChange, SnapshotRecord } from "../../sessions/snapshot-records.ts";
import { withProgress } from "../register-command.ts";
import { openDiffs, openPair, toLocalUri } from "../review/open-review.ts";
import { toSnapshotUri } from "../review/review-files.ts";
import { EditorError } from "../show-error.ts";
import type { CommandDeps } from "./command-deps.ts";
import { isSnapshotDifferenceItem, pickSnapshot, pickSnapshots, titleOf } from "./pick-snapshot.ts";
import { toWorkspaceSource } from "./snapshots.ts";
import { findFolder } from "../workspace-folder.ts";

/** Where the newer version of a file is. */
type ToRight = (path: string) => vscode.Uri;

/** Shows what the folder has otherwise than the snapshot, as it is on screen now. */
export async function diffWithWorkspace(deps: CommandDeps, argument: unknown): Promise<void> {
  const snapshot = await pickSnapshot(deps, argument, vscode.l10n.t("Compare which snapshot with the files here?"));
  if (!snapshot) return;
  const folder = findFolder(snapshot.workspaceRoot);
  if (!folder) throw notOpen(snapshot);
  const engine = await deps.link.get();
  const changes = await withProgress(vscode.l10n.t("Comparing"), () =>
    compareWithWorkspace(deps, engine, snapshot, folder),
  );
  const title = vscode.l10n.t("{0} ↔ here", titleOf(deps, snapshot));
  await openComparison(title, snapshot, changes, (path) => toLocalUri(snapshot, path));
}

/** A snapshot of the folder is taken to compare with, and does not stay. */
async function compareWithWorkspace(
  deps: CommandDeps,
  engine: Engine,
  snapshot: SnapshotRecord,
  folder: vscode.WorkspaceFolder,
): Promise<readonly SnapshotChange[]> {
  await deps.store.load();
  const known = new Set(deps.store.snapshots.map(({ id }) => id));
  const now = await engine.takeSnapshot(toWorkspaceSource(folder));
  try {
    return await engine.diffSnapshots(snapshot.id, now.id);
  } finally {
    // The engine does not repeat a record: then it was there before, and stays.
    if (!known.has(now.id)) await engine.deleteSnapshot(now.id);
  }
}

/** Shows what differs between two snapshots: those selected in the view, or the argument's and one that the user picks. */
export async function compareSnapshots(deps: CommandDeps, argument: unknown, selection?: unknown): Promise<void> {
  const question = vscode.l10n.t("Compare which snapshot?");
  const [first, second, third] = await pickSnapshots(deps, argument, selection, question);
  if (!first) return;
  if (third) throw new EditorError("invalid", vscode.l10n.t("Select two snapshots to compare."), []);
  const other = second ?? (await pickOther(deps, first));
  if (!other) return;
  const [older, newer] = first.id < other.id ? [first, other] : [other, first];
  const engine = await deps.link.get();
  const changes = await withProgress(vscode.l10n.t("Comparing"), () => engine.diffSnapshots(older.id, newer.id));
  const title = `${titleOf(deps, older)} ↔ ${titleOf(deps, newer)}`;
  await openComparison(title, older, changes, (path) => toSnapshotUri(newer, path));
}

function pickOther(deps: CommandDeps, first: SnapshotRecord): Promise<SnapshotRecord | undefined> {
  const question = vscode.l10n.t("Compare {0} with which snapshot?", titleOf(deps, first));
  return pickSnapshot(
    deps,
    undefined,
    question,
    ({ id, workspaceRoot }) => id !== first.id && workspaceRoot === first.workspaceRoot,
  );
}

/** Opens one file as it was before and as a snapshot has it. */
export async function openSnapshotDifference(deps: CommandDeps, argument: unknown): Promise<void> {
  if (!isSnapshotDifferenceItem(argument)) return;
  const { from, to, change } = argument;
  const [left, right] = toSides(from, change, (path) => toSnapshotUri(to, path));
  await openPair(left, right, `${toDisplay(change.path)} (${titleOf(deps, from)} ↔ ${titleOf(deps, to)})`);
}

async function openComparison(
  title: string,
  from: SnapshotRecord,
  changes: readonly SnapshotChange[],
  toRight: ToRight,
): Promise<void> {
  if (changes.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("Both hold the same files."));
    return;
  }
  const moved = new Set(changes.flatMap(({ renamedFrom }) => renamedFrom ?? []));
  const shown = changes.filter(({ kind, path }) => kind !== "deleted" || !moved.has(path));
  await openDiffs(
    title,
    shown.map((change) => {
      const [left, right] = toSides(from, change, toRight);
      return [toLocalUri(from, change.path), left, right];
    }),
  );
}

function toSides(
  from: SnapshotRecord,
  { path, before, after, renamedFrom }: SnapshotChange,
  toRight: ToRight,
): [vscode.Uri | undefined, vscode.Uri | undefined] {
  const old = before ? path : renamedFrom;
  return [old === undefined ? undefined : toSnapshotUri(from, old), after && toRight(path)];
}

function notOpen({ workspaceRoot }: SnapshotRecord): EditorError {
  const message = vscode.l10n.t("The folder {0} of that snapshot is not open here.", toDisplay(workspaceRoot));
  return new EditorError("not-found", message, []);
}
