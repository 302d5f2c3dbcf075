import * as vscode from "vscode";
import { type CodeCell, splitCells } from "../../sessions/cells/split-cells.ts";
import { EditorError, type Remedy } from "../show-error.ts";

/** Which of a file's cells are meant. */
export type CellChoice = "at" | "above" | "all";

/**
 * The cells that are meant, in order, without those that hold nothing to run.
 * @param line from 0
 * @throws {EditorError} `invalid` when there are none
 */
export function chooseCells(
  document: Pick<vscode.TextDocument, "getText" | "uri">,
  line: number,
  choice: CellChoice,
): readonly CodeCell[] {
  const cells = splitCells(document.getText());
  if (cells.length === 0) throw new EditorError("invalid", describeNoCells(), [runFileInstead(document.uri)]);
  const chosen = cells.filter(({ startLine, endLine }) => {
    const isAt = startLine <= line && line < endLine;
    return choice === "all" || (choice === "at" ? isAt : endLine <= line);
  });
  const found = chosen.filter(({ code }) => code.trim() !== "");
  if (found.length > 0) return found;
  throw new EditorError("invalid", choice === "above" ? describeNoneAbove() : describeNoCode(), []);
}

/** Where the cell after that line begins; undefined when it is the last one. */
export function findNextCell(text: string, line: number): number | undefined {
  return splitCells(text).find(({ startLine }) => startLine > line)?.startLine;
}

/** What runs without an interpreter. */
export function runFileInstead(uri: vscode.Uri): Remedy {
  return { title: vscode.l10n.t("Run the File Instead"), command: "sandpiper.runFile", args: [uri] };
}

function describeNoCells(): string {
  return vscode.l10n.t(
    "This file has no cells. A line that begins with “# %%” begins one (“// %%” where comments do).",
  );
}

function describeNoneAbove(): string {
  return vscode.l10n.t("There is no cell with code above this one.");
}

function describeNoCode(): string {
  return vscode.l10n.t("There is no code in this cell.");
}
