import * as vscode from "vscode";
import { whyUnsafePath } from "../../core/workspace-path.ts";
import { toFolderUri } from "../workspace-folder.ts";
import type { CellsRequest } from "./cell-messages.ts";
import type { ReadResults } from "../../sessions/cells/read-results.ts";
import { copyResult, saveResult } from "./save-result.ts";
import { type CellRun, toSource } from "./to-entry.ts";

const COMMANDS = {
  stop: "sandpiper.stop",
  review: "sandpiper.reviewChanges",
  log: "sandpiper.openRunLog",
  rerun: "sandpiper.rerun",
} as const;

/** Does what the user asked about the run of a cell. */
export async function answerAbout(
  run: CellRun,
  request: Extract<CellsRequest, { readonly id: string }>,
  readResults: ReadResults,
): Promise<void> {
  const { path, code } = run.command;
  const folder = toFolderUri(run.workspaceRoot);
  switch (request.type) {
    case "goto":
      return await openLine(folder, path, toSource(code).line);
    case "open":
      return await openLine(folder, request.path, request.line);
    case "save": {
      const stem = path.slice(path.lastIndexOf("/") + 1).replace(/\.\w+$/, "");
      return await saveResult(readResults, vscode.Uri.joinPath(folder, stem), { ...request, runId: run.id });
    }
    case "copy":
      return await copyResult(readResults, { ...request, runId: run.id });
    case "stop":
    case "review":
    case "log":
    case "rerun":
      await vscode.commands.executeCommand(COMMANDS[request.type], run.id);
  }
}

/** Paths in tracebacks come out of the sandbox: only files of the workspace are opened. @param line from 1 */
async function openLine(folder: vscode.Uri, path: string, line: number): Promise<void> {
  if (whyUnsafePath(path)) return;
  const at = new vscode.Position(Math.max(0, line - 1), 0);
  const uri = vscode.Uri.joinPath(folder, path);
  const selection = new vscode.Range(at, at);
  // The results stay in sight, beside it.
  await vscode.window.showTextDocument(uri, { selection, viewColumn: findColumnOf(uri) ?? vscode.ViewColumn.One });
}

function findColumnOf(uri: vscode.Uri): vscode.ViewColumn | undefined {
  const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
  return editor?.viewColumn;
}
