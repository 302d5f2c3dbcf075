import * as vscode from "vscode";
import type { CommandDeps } from "../commands/command-deps.ts";
import { extensionOf, requireEditor } from "../commands/run-file.ts";
import { startRun } from "../commands/start-run.ts";
import { hasAbility } from "../abilities.ts";
import { padSelection } from "../pad-selection.ts";
import { readTarget } from "../target.ts";
import { folderOf, pathInFolder, pickFolder, requireTrust, rootOf } from "../workspace-folder.ts";
import type { CellInput } from "./cell-queue.ts";
import { type CellChoice, chooseCells, findNextCell } from "./find-cells.ts";
import { toNoInterpreterError } from "./no-interpreter.ts";

/** A place in a file of code. */
interface CodePlace {
  readonly document: vscode.TextDocument;
  /** From 0. */
  readonly line: number;
}

/** Where a file is, as runs know it. */
interface FilePlace {
  readonly folder: vscode.WorkspaceFolder;
  /** Relative to it, POSIX. */
  readonly path: string;
}

/** Runs cells of the file that a lens names, or of the active editor's, from where the cursor is. */
export async function runCells(deps: CommandDeps, uri: unknown, line: unknown, choice: CellChoice): Promise<void> {
  const place = await toPlace(uri, line);
  const cells = chooseCells(place.document, place.line, choice);
  const file = await toFile(place.document);
  if (!file) return;
  await run(
    deps,
    cells.map(({ code, startLine, endLine }) => toInput(place.document, file, { code, startLine, endLine })),
  );
}

/** Runs the cell at the cursor, and puts the cursor into the next one. */
export async function runCellAndAdvance(deps: CommandDeps): Promise<void> {
  const editor = requireEditor();
  const { line } = editor.selection.active;
  const next = findNextCell(editor.document.getText(), line);
  const running = runCells(deps, undefined, undefined, "at");
  if (next !== undefined) moveTo(editor, next + 1);
  await running;
}

/** Runs the selected lines (the cursor's line when nothing is selected) where the file's cells run. */
export async function runSelectionInInterpreter(deps: CommandDeps): Promise<void> {
  const { document, selection } = requireEditor();
  const file = await toFile(document);
  if (!file) return;
  const lines = Array.from({ length: document.lineCount }, (_, index) => document.lineAt(index).text);
  const { text, firstLine, lastLine } = padSelection(lines, selection, document.languageId);
  await run(deps, [toInput(document, file, { code: text, startLine: firstLine, endLine: lastLine + 1 })]);
}

/** Shows what the cells of the active editor's file have given so far. */
export async function showCellResults(deps: CommandDeps): Promise<void> {
  const { document } = requireEditor();
  const folder = folderOf(document.uri);
  await deps.store.load();
  const { panels } = await deps.cells.desk();
  panels.showFile(rootOf(folder), pathInFolder(folder, document.uri), false);
}

async function run(deps: CommandDeps, inputs: readonly CellInput[]): Promise<void> {
  requireTrust();
  const [first] = inputs;
  if (!first) return;
  if (!hasAbility(readTarget(first.folder.uri), "interpreter")) throw toNoInterpreterError(first);
  const { queue } = await deps.cells.desk();
  await queue.run(inputs, (input) => startRun(deps, input));
}

async function toPlace(uri: unknown, line: unknown): Promise<CodePlace> {
  if (uri instanceof vscode.Uri && typeof line === "number")
    return { document: await vscode.workspace.openTextDocument(uri), line };
  const { document, selection } = requireEditor();
  return { document, line: selection.active.line };
}

/** Text without a file stands for one in the folder that the user picks; undefined when they pick none. */
async function toFile(document: vscode.TextDocument): Promise<FilePlace | undefined> {
  if (document.uri.scheme !== "untitled") {
    const folder = folderOf(document.uri);
    return { folder, path: pathInFolder(folder, document.uri) };
  }
  const folder = await pickFolder();
  return folder && { folder, path: document.uri.path.replaceAll("/", "_") + extensionOf(document) };
}

function toInput(
  document: vscode.TextDocument,
  { folder, path }: FilePlace,
  { code, startLine, endLine }: { readonly code: string; readonly startLine: number; readonly endLine: number },
): CellInput {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const range = endLine - startLine <= 1 ? `${startLine + 1}` : `${startLine + 1}-${endLine}`;
  const command = { kind: "cell", path, language: document.languageId, code } as const;
  return { folder, title: `${name}:${range}`, command };
}

function moveTo(editor: vscode.TextEditor, line: number): void {
  const at = new vscode.Position(Math.min(line, editor.document.lineCount - 1), 0);
  editor.selection = new vscode.Selection(at, at);
  editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
