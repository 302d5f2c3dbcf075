import * as vscode from "vscode";
import { EditorError } from "../show-error.ts";
import { fitsInLine, toExcludeLine, toIncludeLine } from "./ignore-line.ts";

/** A path of a folder, and what is to become of it. */
export interface IgnoreChange {
  readonly path: string;
  readonly isFolder: boolean;
  readonly verdict: "exclude" | "include";
}

const IGNORE_FILE = ".sandboxignore";

/** Adds a line per path to the folder's `.sandboxignore`, and offers to take it back. Lines that say the opposite go. */
export async function changeIgnoreFile(
  folder: vscode.WorkspaceFolder,
  changes: readonly IgnoreChange[],
): Promise<void> {
  const odd = changes.find(({ path }) => !fitsInLine(path));
  if (odd) {
    const message = vscode.l10n.t("A name with a line break cannot be named in {0}. Rename the file.", IGNORE_FILE);
    throw new EditorError("unsupported", message, []);
  }
  const uri = vscode.Uri.joinPath(folder.uri, IGNORE_FILE);
  const before = (await readText(uri)) ?? "";
  await writeText(uri, addLines(before, changes));
  void offerUndo(uri, before, changes.map(toLine));
}

/** The text with a line for each change at its end, where it outweighs those before. */
export function addLines(text: string, changes: readonly IgnoreChange[]): string {
  const opposites = new Set(changes.map(toOpposite));
  const added = changes.map(toLine);
  const lines = text.split(/\r?\n/).filter((line) => !opposites.has(line) && !added.includes(line));
  while (lines.at(-1) === "") lines.pop();
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  return [...lines, ...added, ""].join(lineEnd);
}

function toLine({ path, isFolder, verdict }: IgnoreChange): string {
  return verdict === "exclude" ? toExcludeLine(path, isFolder) : toIncludeLine(path, isFolder);
}

function toOpposite({ path, isFolder, verdict }: IgnoreChange): string {
  return verdict === "exclude" ? toIncludeLine(path, isFolder) : toExcludeLine(path, isFolder);
}

async function offerUndo(uri: vscode.Uri, before: string, added: readonly string[]): Promise<void> {
  const undo = vscode.l10n.t("Undo");
  const open = vscode.l10n.t("Open");
  const choice = await vscode.window.showInformationMessage(
    added.length === 1
      ? vscode.l10n.t("Added {0} to {1}.", added[0] ?? "", IGNORE_FILE)
      : vscode.l10n.t("Added {0} lines to {1}.", added.length, IGNORE_FILE),
    undo,
    open,
  );
  if (choice === open) await vscode.window.showTextDocument(uri);
  if (choice === undo) await takeBack(uri, before, added);
}

/** What was written meanwhile by others stays. */
async function takeBack(uri: vscode.Uri, before: string, added: readonly string[]): Promise<void> {
  const text = (await readText(uri)) ?? "";
  const old = toLines(before);
  const kept = toLines(text).filter((line) => !added.includes(line.trimEnd()) || old.includes(line));
  const gone = old.filter((line) => !kept.includes(line));
  const back = [...kept, ...gone].join("");
  if (back.trim() === "" && before === "") await vscode.workspace.fs.delete(uri);
  else await writeText(uri, back);
}

/** With their ends. */
function toLines(text: string): readonly string[] {
  return text.split(/(?<=\n)/);
}

/** As it is on screen where it is open; undefined where there is none. */
async function readText(uri: vscode.Uri): Promise<string | undefined> {
  const open = findDocument(uri);
  if (open) return open.getText();
  try {
    return Buffer.from(await vscode.workspace.fs.readFile(uri)).toString();
  } catch {
    return undefined;
  }
}

/** Through the editor where it is open, so that its undo knows of it. */
async function writeText(uri: vscode.Uri, text: string): Promise<void> {
  const open = findDocument(uri);
  if (!open) return vscode.workspace.fs.writeFile(uri, Buffer.from(text));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(uri, new vscode.Range(0, 0, open.lineCount, 0), text);
  await vscode.workspace.applyEdit(edit);
  await open.save();
}

function findDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri.toString());
}
