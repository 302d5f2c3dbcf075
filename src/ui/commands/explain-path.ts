import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import { whyNotSent } from "../../snapshots/explain-path.ts";
import { changeIgnoreFile } from "../ignore/change-ignore-file.ts";
import { readSetting } from "../settings.ts";
import { readPreview } from "../upload/consent.ts";
import { toUpload } from "../upload/to-upload.ts";
import { folderOf, pathInFolder, rootOf } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { uriOfUpload } from "./preview-upload.ts";
import { requireEditor } from "./run-file.ts";

const BYTES_PER_MIB = 1024 * 1024;

/** Says whether the file that a menu names, or the active editor's, is sent, and what decides that. */
export async function explainPath(deps: CommandDeps, argument: unknown): Promise<void> {
  const uri = argument instanceof vscode.Uri ? argument : (uriOfUpload(deps, argument) ?? requireEditor().document.uri);
  const folder = folderOf(uri);
  const path = pathInFolder(folder, uri);
  const maxBytes = readSetting("sync.maxFileMiB", uri) * BYTES_PER_MIB;
  // A mirror is made what its folder is when something is read of it.
  if (uri.scheme !== "file") await readPreview(deps.link, toUpload({ folder }));
  const reason = whyNotSent(rootOf(folder), path, maxBytes);
  const { type } = await vscode.workspace.fs.stat(uri);
  const verdict = reason === undefined ? "exclude" : "include";
  const action = reason === undefined ? vscode.l10n.t("Exclude") : vscode.l10n.t("Send It Anyway");
  const message =
    reason === undefined
      ? vscode.l10n.t("{0} is sent.", toDisplay(path))
      : vscode.l10n.t("{0} is not sent: {1}.", toDisplay(path), reason);
  if ((await vscode.window.showInformationMessage(message, action)) !== action) return;
  await changeIgnoreFile(folder, [{ path, isFolder: type === vscode.FileType.Directory, verdict }]);
}
