import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { RunRecord } from "../../sessions/records.ts";
import type { SnapshotCause, SnapshotRecord } from "../../sessions/snapshot-records.ts";
import type { SnapshotDifferenceItem } from "../commands/pick-snapshot.ts";
import {
  describeCause,
  describeContents,
  describeHeld,
  describeTargetInFull,
  titleOfSnapshot,
} from "../describe-snapshot.ts";
import { describeAge } from "../describe-time.ts";
import { toLocalUri } from "../review/open-review.ts";
import type { RunStore } from "../run-store.ts";
import { describeKind, splitPath, toRenameLabel } from "./change-item.ts";

const ICONS: Readonly<Record<SnapshotCause, string>> = {
  push: "cloud-upload",
  exit: "pass",
  destroy: "archive",
  expiry: "archive",
  restore: "history",
  request: "device-camera",
  import: "desktop-download",
};

export function toSnapshotItem(
  snapshot: SnapshotRecord,
  runOf: (id: string) => RunRecord | undefined,
): vscode.TreeItem {
  const title = titleOfSnapshot(snapshot, runOf);
  const item = new vscode.TreeItem(title, vscode.TreeItemCollapsibleState.Collapsed);
  const cause = describeCause(snapshot, runOf);
  const age = describeAge(snapshot.createdAt);
  const pinned = snapshot.isPinned ? [vscode.l10n.t("pinned")] : [];
  const held = describeHeld(snapshot);
  item.id = snapshot.id;
  item.iconPath = new vscode.ThemeIcon(snapshot.isPinned ? "pinned" : ICONS[snapshot.cause]);
  item.description = [...(snapshot.name === undefined ? [] : [cause]), age, ...held.slice(0, 1)].join(" · ");
  item.tooltip = [
    title,
    ...(snapshot.name === undefined ? [] : [cause]),
    new Date(snapshot.createdAt).toLocaleString(),
    describeContents(snapshot),
    ...(snapshot.target ? [describeTargetInFull(snapshot.target)] : []),
    ...pinned,
    ...held.slice(1),
  ].join("\n");
  item.contextValue = [
    "snapshot",
    snapshot.isPinned ? "pinned" : "unpinned",
    ...(snapshot.target ? ["restorable"] : []),
  ].join(";");
  item.accessibilityInformation = {
    label: [title, age, describeContents(snapshot), ...pinned, ...held.slice(1)].join(", "),
  };
  return item;
}

/** Which sandbox held the files. */
export function toPlaceItem(snapshot: SnapshotRecord, store: RunStore): vscode.TreeItem {
  const { target, sessionId } = snapshot;
  const session = sessionId === undefined ? undefined : store.session(sessionId);
  const name = session ? toDisplay(session.name) : vscode.l10n.t("Sandbox");
  const item = new vscode.TreeItem(name);
  const place = target ? describeTargetInFull(target) : "";
  item.id = `${snapshot.id}/place`;
  item.iconPath = new vscode.ThemeIcon("vm");
  item.description = place;
  item.tooltip = `${name}\n${place}`;
  item.accessibilityInformation = { label: `${name}, ${place}` };
  return item;
}

/** One file that differs from the snapshot before; a click shows how. */
export function toDifferenceItem(node: SnapshotDifferenceItem): vscode.TreeItem {
  const { change, to } = node;
  const { name, folder } = splitPath(change.path);
  const label = change.renamedFrom === undefined ? toDisplay(name) : toRenameLabel(change.path, change.renamedFrom);
  const item = new vscode.TreeItem(label);
  const kind = describeKind(change);
  item.id = `${to.id}/difference/${change.path}`;
  item.resourceUri = toLocalUri(to, change.path);
  item.iconPath = vscode.ThemeIcon.File;
  item.description = [folder && toDisplay(folder), kind].filter((part) => part).join(" · ");
  item.tooltip = `${toDisplay(change.path)}\n${kind}`;
  item.contextValue = "snapshot-difference";
  item.command = { title: vscode.l10n.t("Open Diff"), command: "sandpiper.openSnapshotDifference", arguments: [node] };
  item.accessibilityInformation = { label: `${toDisplay(change.path)}, ${kind}` };
  return item;
}
