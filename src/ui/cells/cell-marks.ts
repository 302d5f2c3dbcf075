import * as vscode from "vscode";
import { DisposableStore } from "../../core/disposable-store.ts";
import { splitCells } from "../../sessions/cells/split-cells.ts";
import { limitRate, type RateLimit } from "../limit-rate.ts";

/** While somebody types. */
const REDRAW_MS = 200;
const MAX_CHARACTERS = 1_000_000;

/** Draws, when it is asked to, a line above each cell of the editors that are seen, and tells menus and keys whether the active one has cells. */
export function createCellMarks(): RateLimit {
  const resources = new DisposableStore();
  const style = resources.add(
    vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      borderWidth: "1px 0 0 0",
      borderStyle: "solid",
      borderColor: new vscode.ThemeColor("editorIndentGuide.activeBackground1"),
    }),
  );
  let hadCells = false;
  const draw = (): void => {
    const hasCells = findStarts(vscode.window.activeTextEditor?.document).length > 0;
    if (hasCells !== hadCells) void vscode.commands.executeCommand("setContext", "sandpiper.hasCells", hasCells);
    hadCells = hasCells;
    for (const editor of vscode.window.visibleTextEditors) editor.setDecorations(style, toRanges(editor.document));
  };
  const redraw = resources.add(limitRate(draw, REDRAW_MS));
  return { request: () => redraw.request(), dispose: () => void resources.dispose() };
}

/** The first line needs no line above it. */
function toRanges(document: vscode.TextDocument): vscode.Range[] {
  return findStarts(document)
    .filter((start) => start > 0)
    .map((start) => new vscode.Range(start, 0, start, 0));
}

function findStarts(document: vscode.TextDocument | undefined): readonly number[] {
  if (document?.uri.scheme !== "file" && document?.uri.scheme !== "untitled") return [];
  const text = document.getText();
  return text.length > MAX_CHARACTERS ? [] : splitCells(text).map(({ startLine }) => startLine);
}
