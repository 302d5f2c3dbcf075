import * as vscode from "vscode";
import { splitCells } from "../../sessions/cells/split-cells.ts";
import { readSetting } from "../settings.ts";

/** A plain space beside an icon is lost in a lens. */
const GAP = "\u00a0";

/** "▷ Run Cell | Run Above" at the marker of each cell with something to run. */
export function listCellLenses(document: Pick<vscode.TextDocument, "uri" | "getText">): vscode.CodeLens[] {
  const { uri } = document;
  if (!readSetting("codeLens.enabled", uri)) return [];
  // Of what only shows another file (its other version) nothing can be run.
  const isFile = uri.scheme === "untitled" || uri.scheme === "file" || vscode.workspace.getWorkspaceFolder(uri);
  const cells = isFile ? splitCells(document.getText()).filter(({ code }) => code.trim() !== "") : [];
  return cells.flatMap(({ startLine, number }, at) => {
    // What stands before the first marker has no line of its own.
    const commands = number === 0 ? [] : toCommands(uri, startLine, at > 0);
    const range = new vscode.Range(startLine, 0, startLine, 0);
    return commands.map((command) => new vscode.CodeLens(range, command));
  });
}

function toCommands(uri: vscode.Uri, line: number, hasAbove: boolean): readonly vscode.Command[] {
  const run: vscode.Command = {
    title: `$(play)${GAP}${vscode.l10n.t("Run Cell")}`,
    tooltip: vscode.l10n.t("Run this cell in a sandbox, where what earlier cells defined is kept"),
    command: "sandpiper.runCell",
    arguments: [uri, line],
  };
  const above = { title: vscode.l10n.t("Run Above"), command: "sandpiper.runCellsAbove", arguments: [uri, line] };
  return hasAbove ? [run, above] : [run];
}
