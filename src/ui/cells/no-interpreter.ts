import * as vscode from "vscode";
import type { RunCommand } from "../../sessions/records.ts";
import { EditorError } from "../show-error.ts";
import { runFileInstead } from "./find-cells.ts";

/** That cells cannot run there, with what can be done instead. @param reason the engine's own, when it found out */
export function toNoInterpreterError(
  { folder, command }: { readonly folder: vscode.WorkspaceFolder; readonly command: RunCommand },
  reason?: string,
): EditorError {
  const message = reason ?? vscode.l10n.t("Sandboxes of this provider keep no state from one cell to the next.");
  const file = command.kind === "cell" ? [runFileInstead(vscode.Uri.joinPath(folder.uri, command.path))] : [];
  const elsewhere = { title: vscode.l10n.t("Choose Another Target"), command: "sandpiper.selectProvider" };
  return new EditorError("unsupported", message, [...file, elsewhere]);
}
