import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { RunStore } from "../run-store.ts";

/** What the panels are made from. */
export interface BatchPanelsDeps {
  readonly store: RunStore;
  readonly extensionUri: vscode.Uri;
}

/** A view type of ours, as VS Code keeps it over a reload; package.json has an activation event for it. */
const VIEW_TYPE = "sandpiper.batch";

/** The window's tables of batches: one per batch. A reload of the window brings them back. */
export class BatchPanels implements Disposable {
  readonly #deps: BatchPanelsDeps;
  readonly #resources = new DisposableStore();
  readonly #panels = new Map<string, vscode.WebviewPanel>();

  constructor(deps: BatchPanelsDeps) {
    this.#deps = deps;
    this.#resources.add(
      vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
        deserializeWebviewPanel: (panel, state: unknown) => this.#restore(panel, state),
      }),
    );
  }

  /** Brings the batch's table to the front, made when there is none. */
  async show(batchId: string): Promise<void> {
    const known = this.#panels.get(batchId);
    if (known) return known.reveal();
    const panel = vscode.window.createWebviewPanel(VIEW_TYPE, vscode.l10n.t("Batch"), vscode.ViewColumn.Active, {
      enableFindWidget: true,
    });
    await this.#fill(panel, batchId);
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  async #restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { readState } = await import("./read-request.ts");
    const kept = readState(state);
    if (!kept) return panel.dispose();
    // The table says by itself that a batch is no longer on record, or was not to be had.
    await this.#deps.store.load().catch(() => undefined);
    await this.#fill(panel, kept.batchId);
  }

  async #fill(panel: vscode.WebviewPanel, batchId: string): Promise<void> {
    const resources = new DisposableStore();
    this.#panels.set(batchId, panel);
    panel.onDidDispose(() => {
      this.#panels.delete(batchId);
      void resources.dispose();
    });
    const { store, extensionUri } = this.#deps;
    // Few windows ever show one.
    const { BatchPanel } = await import("./batch-panel.ts");
    resources.add(new BatchPanel(panel, batchId, { batches: store.batches, extensionUri }));
  }
}
