import type * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { RateLimit } from "../limit-rate.ts";
import { CellContexts, type CellContextsDeps } from "./cell-contexts.ts";
import { listCellLenses } from "./cell-lenses.ts";
import { createCellMarks } from "./cell-marks.ts";
import { CellPanels, type CellPanelsDeps } from "./cell-panels.ts";
import { CellQueue } from "./cell-queue.ts";
import { toContextItem } from "./context-item.ts";
import type { ContextItem } from "./restart-context.ts";
import type { CellsDeps } from "./cells.ts";

/** All that deals with cells in a window. */
export interface CellDesk extends Disposable {
  /** Cells of this window that were asked for, one after the other. */
  readonly queue: CellQueue;
  readonly panels: CellPanels;
  readonly contexts: CellContexts;
  /** Asked when the editors that are seen, or what is in them, are others. */
  readonly marks: RateLimit;
  listLenses(document: vscode.TextDocument): vscode.CodeLens[];
  toContextItem(item: ContextItem): vscode.TreeItem;
}

/** Whoever creates it disposes it. */
export function createCellDesk(deps: CellsDeps & CellContextsDeps & Pick<CellPanelsDeps, "viewType">): CellDesk {
  const resources = new DisposableStore();
  const queue = resources.add(new CellQueue(deps.store));
  return {
    queue,
    panels: resources.add(new CellPanels({ ...deps, queue })),
    contexts: new CellContexts(deps),
    marks: resources.add(createCellMarks()),
    listLenses: listCellLenses,
    toContextItem,
    dispose: () => resources.dispose(),
  };
}
