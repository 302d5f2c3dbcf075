import * as vscode from "vscode";
import { toStateFolder } from "../sessions/state-folder.ts";
import { EditorError, manageTrust } from "./show-error.ts";
import { toMirrorRoot } from "./virtual/mirror-root.ts";

/** @throws {EditorError} `blocked` in a folder that the user has not said to trust: its settings and code are not acted on. */
export function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new EditorError(
    "blocked",
    vscode.l10n.t(
      "This workspace is not trusted, so nothing of it is sent or run. Trust it first if you know where it comes from.",
    ),
    [manageTrust()],
  );
}

/** The folder that holds the file. @throws {EditorError} `invalid` when no open folder does. */
export function folderOf(uri: vscode.Uri): vscode.WorkspaceFolder {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (folder) return folder;
  const name = uri.path.slice(uri.path.lastIndexOf("/") + 1);
  throw new EditorError(
    "invalid",
    vscode.l10n.t(
      "{0} is in no open folder, so Sandpiper does not know what to send along with it. Open its folder first.",
      name,
    ),
    [openFolder()],
  );
}

/** The folder meant when no file is: the active editor's, the only one, or the one the user picks; undefined when they pick none. @throws {EditorError} when no folder is open. */
export async function pickFolder(): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const [first] = folders;
  if (!first) {
    throw new EditorError(
      "invalid",
      vscode.l10n.t("No folder is open. Open the folder whose files the sandbox should get."),
      [openFolder()],
    );
  }
  const active = vscode.window.activeTextEditor?.document.uri;
  const folder =
    folders.length === 1
      ? first
      : ((active && vscode.workspace.getWorkspaceFolder(active)) ??
        (await vscode.window.showWorkspaceFolderPick({
          placeHolder: vscode.l10n.t("Which folder should the sandbox get?"),
        })));
  return folder;
}

/** POSIX path of the file within its folder. */
export function pathInFolder(folder: vscode.WorkspaceFolder, uri: vscode.Uri): string {
  return uri.path.slice(folder.uri.path.replace(/\/$/, "").length + 1);
}

/** Where the folder is on this machine's disk: itself, or its mirror when a file system provider shows it. */
export function rootOf({ uri }: Pick<vscode.WorkspaceFolder, "uri">): string {
  return uri.scheme === "file" ? uri.fsPath : toMirrorRoot(toStateFolder(process.env).mirrors, uri);
}

/** The open folder that records with this root are about. */
export function findFolder(root: string): vscode.WorkspaceFolder | undefined {
  return vscode.workspace.workspaceFolders?.find((folder) => rootOf(folder) === root);
}

/** Where the files of a record with this root are in the editor: in the open folder, or else on disk. */
export function toFolderUri(root: string): vscode.Uri {
  return findFolder(root)?.uri ?? vscode.Uri.file(root);
}

/** Paths of this window's folders, as records have them. */
export function openRoots(): readonly string[] {
  return (vscode.workspace.workspaceFolders ?? []).map(rootOf);
}

function openFolder(): { readonly title: string; readonly command: string } {
  return { title: vscode.l10n.t("Open Folder"), command: "vscode.openFolder" };
}
