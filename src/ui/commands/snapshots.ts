import { homedir } from "node:os";
import { basename, join } from "node:path";
import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import type { SnapshotRecord, SnapshotSource } from "../../sessions/snapshot-records.ts";
import { describeSize } from "../describe-snapshot.ts";
import { withProgress } from "../register-command.ts";
import { listPaths } from "../review/confirm.ts";
import { readOverlays } from "../run-request.ts";
import { readSetting } from "../settings.ts";
import { openSettings } from "../show-error.ts";
import { describeTarget } from "../target.ts";
import { pickFolder, rootOf } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { pickSnapshot, pickSnapshots, titleOf } from "./pick-snapshot.ts";

/** What files made by an export are called. */
const EXTENSION = "sandpiper-snapshot";

/** Takes a snapshot of the folder as it is on screen, or of what one of its sandboxes holds, under a name if one is given. */
export async function takeSnapshot(deps: CommandDeps): Promise<SnapshotRecord | undefined> {
  const folder = await pickFolder();
  const source = folder && (await pickSource(deps, folder));
  if (!source) return undefined;
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t("Take Snapshot"),
    prompt: vscode.l10n.t("A snapshot with a name is kept until you delete it. Leave it empty to keep it for a while."),
    placeHolder: vscode.l10n.t("Name"),
  });
  if (name === undefined) return undefined;
  const engine = await deps.link.get();
  return await withProgress(vscode.l10n.t("Taking a snapshot"), () =>
    engine.takeSnapshot(source, name.trim() === "" ? undefined : name.trim()),
  );
}

/** The folder's own files, as they are on screen. */
export function toWorkspaceSource(folder: vscode.WorkspaceFolder): SnapshotSource {
  return {
    kind: "workspace",
    workspaceRoot: rootOf(folder),
    overlays: readOverlays(folder),
    maxFileMiB: readSetting("sync.maxFileMiB", folder.uri),
  };
}

async function pickSource(deps: CommandDeps, folder: vscode.WorkspaceFolder): Promise<SnapshotSource | undefined> {
  await deps.store.load();
  const sessions = deps.store.sessions.filter(
    ({ state, workspaceRoot }) => state === "ready" && workspaceRoot === rootOf(folder),
  );
  const workspace = toWorkspaceSource(folder);
  if (sessions.length === 0) return workspace;
  const items = [
    { label: vscode.l10n.t("The Files Here"), description: toDisplay(folder.name), source: workspace },
    ...sessions.map((session) => toSourceItem(session)),
  ];
  const placeHolder = vscode.l10n.t("What should the snapshot hold?");
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.source;
}

function toSourceItem(session: SessionRecord) {
  return {
    label: vscode.l10n.t("What the Sandbox of {0} Holds", toDisplay(session.name)),
    description: describeTarget(session.target, session.boundary),
    source: { kind: "session", sessionId: session.id } as const,
  };
}

/** Gives a snapshot a name, under which it is kept until it is deleted; an empty one takes it away. */
export async function renameSnapshot(deps: CommandDeps, argument: unknown): Promise<void> {
  const snapshot = await pickSnapshot(deps, argument, vscode.l10n.t("Rename which snapshot?"));
  if (!snapshot) return;
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t("Rename Snapshot"),
    prompt: vscode.l10n.t("A snapshot with a name is kept until you delete it. Leave it empty to keep it for a while."),
    value: snapshot.name ?? "",
  });
  if (name !== undefined) await (await deps.link.get()).updateSnapshot(snapshot.id, { name: name.trim() });
}

/** Pinned snapshots are kept whatever the limits say. */
export async function pinSnapshot(deps: CommandDeps, argument: unknown, selection?: unknown): Promise<void> {
  await setPinned(deps, await pickSnapshots(deps, argument, selection, vscode.l10n.t("Pin which snapshot?")), true);
}

export async function unpinSnapshot(deps: CommandDeps, argument: unknown, selection?: unknown): Promise<void> {
  await setPinned(deps, await pickSnapshots(deps, argument, selection, vscode.l10n.t("Unpin which snapshot?")), false);
}

async function setPinned(deps: CommandDeps, snapshots: readonly SnapshotRecord[], isPinned: boolean): Promise<void> {
  const engine = await deps.link.get();
  for (const { id } of snapshots) await engine.updateSnapshot(id, { isPinned });
}

/** Deletes snapshots; asks first when somebody has said to keep one, or when they are many. */
export async function deleteSnapshot(deps: CommandDeps, argument: unknown, selection?: unknown): Promise<void> {
  const snapshots = await pickSnapshots(deps, argument, selection, vscode.l10n.t("Delete which snapshot?"));
  const isKept = snapshots.some(({ name, isPinned }) => name !== undefined || isPinned);
  if ((isKept || snapshots.length > 1) && !(await confirmDeletion(deps, snapshots))) return;
  const engine = await deps.link.get();
  for (const { id } of snapshots) await engine.deleteSnapshot(id);
}

async function confirmDeletion(deps: CommandDeps, snapshots: readonly SnapshotRecord[]): Promise<boolean> {
  const remove = vscode.l10n.t("Delete");
  const [first] = snapshots;
  const message =
    first && snapshots.length === 1
      ? vscode.l10n.t("Delete the snapshot {0}?", titleOf(deps, first))
      : vscode.l10n.t("Delete {0} snapshots?", snapshots.length);
  const titles = snapshots.length === 1 ? [] : [listPaths(snapshots.map((each) => titleOf(deps, each)))];
  const detail = [...titles, vscode.l10n.t("What no other snapshot holds cannot be brought back.")].join("\n\n");
  return (await vscode.window.showWarningMessage(message, { modal: true, detail }, remove)) === remove;
}

/** Writes a snapshot into one file, for another machine or another person. */
export async function exportSnapshot(deps: CommandDeps, argument: unknown): Promise<void> {
  const snapshot = await pickSnapshot(deps, argument, vscode.l10n.t("Export which snapshot?"));
  if (!snapshot) return;
  const name = titleOf(deps, snapshot).replaceAll(/[^\p{L}\p{N}.]+/gu, "-");
  const file = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.file(join(homedir(), `${basename(snapshot.workspaceRoot)}-${name}.${EXTENSION}`)),
    filters: { [vscode.l10n.t("Snapshots")]: [EXTENSION] },
  });
  if (!file) return;
  // The dialog has asked whether to replace it; the engine never replaces one by itself.
  await vscode.workspace.fs.delete(file).then(undefined, () => undefined);
  const engine = await deps.link.get();
  await withProgress(vscode.l10n.t("Exporting a snapshot"), () => engine.exportSnapshot(snapshot.id, file.fsPath));
  void vscode.window.showInformationMessage(vscode.l10n.t("The snapshot is in {0}.", toDisplay(file.fsPath)));
}

/** Puts a snapshot that was exported on the folder's timeline. It changes no file. */
export async function importSnapshot(deps: CommandDeps): Promise<SnapshotRecord | undefined> {
  const folder = await pickFolder();
  if (!folder) return undefined;
  const [file] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t("Import Snapshot"),
      openLabel: vscode.l10n.t("Import"),
      filters: { [vscode.l10n.t("Snapshots")]: [EXTENSION] },
    })) ?? [];
  if (!file) return undefined;
  const engine = await deps.link.get();
  return await withProgress(vscode.l10n.t("Importing a snapshot"), () =>
    engine.importSnapshot(file.fsPath, rootOf(folder)),
  );
}

/** Says what snapshots take on disk and what bounds that. */
export async function showStorage(deps: CommandDeps): Promise<void> {
  const { snapshotCount, storedBytes, policy } = await (await deps.link.get()).readStorage();
  const settings = openSettings("sandpiper.snapshots");
  const message = [
    vscode.l10n.t("{0} snapshots take {1} on disk.", snapshotCount, describeSize(storedBytes)),
    vscode.l10n.t(
      "Kept are the last {0} of each folder, for {1} days and up to {2} in all, and those that are named or pinned.",
      policy.maxSnapshots,
      policy.maxAgeDays,
      describeSize(policy.maxTotalMiB * 1024 * 1024),
    ),
  ].join(" ");
  if ((await vscode.window.showInformationMessage(message, settings.title)) !== settings.title) return;
  await vscode.commands.executeCommand(settings.command, ...(settings.args ?? []));
}
