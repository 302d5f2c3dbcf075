import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { Emitter } from "../../core/event.ts";
import type { Logger } from "../../core/logger.ts";
import type { StateFolder } from "../../sessions/state-folder.ts";
import type { EngineLink } from "../engine-link.ts";
import type { RunStore } from "../run-store.ts";
import type { CellDesk } from "./cell-desk.ts";

/** What cells are run and shown with. */
export interface CellsDeps {
  readonly link: EngineLink;
  readonly store: RunStore;
  readonly state: StateFolder;
  readonly extensionUri: vscode.Uri;
  readonly logger: Logger;
}

/** A view type of ours, as VS Code keeps it over a reload; package.json has an activation event for it. */
const VIEW_TYPE = "sandpiper.cells";

/** A line that begins a cell, as far as it takes to know whether to look closer. */
const MAYBE = /^(?:#|\/\/)\s*(?:%%|In\s?\[|<codecell>)/m;
const MAX_CHARACTERS = 1_000_000;

/** The way to all that deals with cells, which is loaded when there are some: most files have none. */
export class Cells implements Disposable {
  readonly #deps: CellsDeps;
  readonly #resources = new DisposableStore();
  readonly #contextsChanged = this.#resources.add(new Emitter<void>());
  #desk: Promise<CellDesk> | undefined;

  /** A context has been restarted. */
  readonly onDidChangeContexts = this.#contextsChanged.event;

  constructor(deps: CellsDeps) {
    this.#deps = deps;
    const look = (): void => {
      const isWanted = vscode.window.visibleTextEditors.some(({ document }) => mayHaveCells(document));
      if (isWanted || this.#desk) void this.desk().then(({ marks }) => marks.request());
    };
    this.#resources.add(
      vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
        deserializeWebviewPanel: async (panel, state: unknown) => (await this.desk()).panels.restore(panel, state),
      }),
    );
    this.#resources.add(
      vscode.languages.registerCodeLensProvider("python", {
        provideCodeLenses: async (document) =>
          mayHaveCells(document) ? (await this.desk()).listLenses(document) : undefined,
      }),
    );
    this.#resources.add(vscode.window.onDidChangeActiveTextEditor(look));
    this.#resources.add(vscode.window.onDidChangeVisibleTextEditors(look));
    this.#resources.add(vscode.workspace.onDidChangeTextDocument(look));
    look();
  }

  desk(): Promise<CellDesk> {
    this.#desk ??= this.#open();
    return this.#desk;
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  async #open(): Promise<CellDesk> {
    const { createCellDesk } = await import("./cell-desk.ts");
    const onDidChangeContexts = (): void => this.#contextsChanged.fire();
    return this.#resources.add(createCellDesk({ ...this.#deps, viewType: VIEW_TYPE, onDidChangeContexts }));
  }
}

function mayHaveCells(document: vscode.TextDocument): boolean {
  const text = document.getText();
  return text.length <= MAX_CHARACTERS && MAYBE.test(text);
}
