import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { RunRecord } from "../../sessions/records.ts";
import { CellPanel, type CellPanelDeps } from "./cell-panel.ts";
import type { CellsState } from "./cell-messages.ts";
import { readState } from "./read-request.ts";

/** What the panels are made from. */
export interface CellPanelsDeps extends CellPanelDeps {
  /** As VS Code keeps it over a reload. */
  readonly viewType: string;
}

/** The window's panels of results: one per file with cells. A reload of the window brings them back. */
export class CellPanels implements Disposable {
  readonly #deps: CellPanelsDeps;
  readonly #resources = new DisposableStore();
  readonly #panels = new Map<string, vscode.WebviewPanel>();

  constructor(deps: CellPanelsDeps) {
    this.#deps = deps;
  }

  /** Shows the results of the file whose cell it is, beside the editor; a panel that is there stays where it is. */
  show({ workspaceRoot, command }: Pick<RunRecord, "workspaceRoot" | "command">, preserveFocus: boolean): void {
    if (command.kind === "cell") this.showFile(workspaceRoot, command.path, preserveFocus);
  }

  /** @param path of a file with cells, relative to the folder, POSIX */
  showFile(workspaceRoot: string, path: string, preserveFocus: boolean): void {
    const known = this.#panels.get(toKey({ workspaceRoot, path }));
    // One that is seen already is left alone: revealing it takes time, and may take it elsewhere.
    if (known?.visible && preserveFocus) return;
    if (known) return known.reveal(undefined, preserveFocus);
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus };
    const options = { enableFindWidget: true };
    const panel = vscode.window.createWebviewPanel(this.#deps.viewType, vscode.l10n.t("Results"), column, options);
    this.#fill(panel, { workspaceRoot, path, since: "" });
  }

  /** Fills a panel that was there before a reload. @param kept what its page kept */
  async restore(panel: vscode.WebviewPanel, kept: unknown): Promise<void> {
    const state = readState(kept);
    if (!state) return panel.dispose();
    // It is empty when nothing is on record, or nothing was to be had.
    await this.#deps.store.load().catch(() => undefined);
    this.#fill(panel, state);
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #fill(panel: vscode.WebviewPanel, state: CellsState): void {
    const key = toKey(state);
    const content = new CellPanel(panel, state, this.#deps);
    this.#panels.set(key, panel);
    panel.onDidDispose(() => {
      this.#panels.delete(key);
      void content.dispose();
    });
  }
}

function toKey({ workspaceRoot, path }: Pick<CellsState, "workspaceRoot" | "path">): string {
  return `${workspaceRoot}\n${path}`;
}
