import { ok } from "node:assert/strict";
import * as vscode from "vscode";
import type { RunRecord } from "../../src/sessions/records.ts";

/** The folder that is open, a copy of the sample. */
function workspaceFolder(): vscode.WorkspaceFolder {
  const folder = vscode.workspace.workspaceFolders?.[0];
  ok(folder, "a folder is open");
  return folder;
}

export function inWorkspace(path: string): vscode.Uri {
  return vscode.Uri.joinPath(workspaceFolder().uri, path);
}

/** Writes a file of the workspace and opens it. */
export async function openNew(path: string, text: string): Promise<vscode.TextDocument> {
  await vscode.workspace.fs.writeFile(inWorkspace(path), Buffer.from(text));
  return open(path);
}

export async function open(path: string): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(inWorkspace(path));
  await vscode.window.showTextDocument(document, { preview: false });
  return document;
}

export async function readText(path: string): Promise<string> {
  return Buffer.from(await vscode.workspace.fs.readFile(inWorkspace(path))).toString();
}

export async function exists(path: string): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(inWorkspace(path));
    return true;
  } catch {
    return false;
  }
}

/** The titles of the code lenses of a file. */
export async function lensTitles(uri: vscode.Uri): Promise<readonly string[]> {
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>("vscode.executeCodeLensProvider", uri, 20);
  return lenses.flatMap((lens) => lens.command?.title ?? []);
}

/** Runs a command that starts a run; resolves with the run's id. */
export async function startRun(command: string, ...args: unknown[]): Promise<RunRecord> {
  const run = await vscode.commands.executeCommand<RunRecord | undefined>(command, ...args);
  ok(run, `${command} started a run`);
  return run;
}

/** Resolves once the condition holds; rejects with the last reason when it does not in time. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 45_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Resolves with the file's lens that says how its last run ended. */
export async function untilEnded(uri: vscode.Uri): Promise<string> {
  let result = "";
  await until(`the last run of ${uri.path} has ended`, async () => {
    const titles = await lensTitles(uri);
    result = titles.find((title) => /^\$\((?:check|error|circle-slash)\)/.test(title)) ?? "";
    return result !== "";
  });
  return result;
}
