import * as vscode from "vscode";
import { pickFolder } from "../workspace-folder.ts";

/** Opens the folder's `.sandboxignore`; where there is none, an empty one that is made when the user saves it. */
export async function editIgnoreFile(): Promise<void> {
  const folder = await pickFolder();
  if (!folder) return;
  const uri = vscode.Uri.joinPath(folder.uri, ".sandboxignore");
  const exists = await vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
  await vscode.commands.executeCommand("vscode.open", exists ? uri : uri.with({ scheme: "untitled" }));
}
