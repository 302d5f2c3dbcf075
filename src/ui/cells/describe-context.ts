import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { CellContext } from "../../sessions/cells/cell-context.ts";

/** "python · plot.py · 3 cells". */
export function describeContext({ language, path, count }: CellContext): string {
  const cells = count === 1 ? vscode.l10n.t("1 cell") : vscode.l10n.t("{0} cells", count.toLocaleString());
  return [toDisplay(language), toDisplay(path), cells].join(" · ");
}
