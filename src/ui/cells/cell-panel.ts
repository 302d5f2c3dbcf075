import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { Logger } from "../../core/logger.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import type { StateFolder } from "../../sessions/state-folder.ts";
import { outcomeOf, titleOf } from "../describe-run.ts";
import { limitRate } from "../limit-rate.ts";
import type { RunStore } from "../run-store.ts";
import { showError } from "../show-error.ts";
import { answerAbout } from "./answer-request.ts";
import { CellFeed } from "./cell-feed.ts";
import type { CellsPage, CellsRequest, CellsState } from "./cell-messages.ts";
import type { CellQueue } from "./cell-queue.ts";
import { toCellsHtml } from "./cells-html.ts";
import { createReadResults, type ReadResults } from "../../sessions/cells/read-results.ts";
import { createReadText } from "./read-text.ts";
import { readRequest } from "./read-request.ts";
import { type CellRun, isCellRun, toEntry, toWaitingEntry } from "./to-entry.ts";

/** What a panel is made from. */
export interface CellPanelDeps {
  readonly store: RunStore;
  readonly queue: CellQueue;
  readonly state: StateFolder;
  readonly extensionUri: vscode.Uri;
  readonly logger: Logger;
}

/** The page is drawn anew no more often, however fast a cell prints. */
const REDRAW_MS = 100;
const MAX_ENTRIES = 50;

/** Shows what the cells of one file gave in a web view's panel until that is closed, and does what the user asks there. */
export class CellPanel implements Disposable {
  readonly #panel: vscode.WebviewPanel;
  readonly #deps: CellPanelDeps;
  readonly #readResults: ReadResults;
  readonly #feed: CellFeed;
  readonly #resources = new DisposableStore();
  readonly #stale = new Set<string>();
  readonly #draw = this.#resources.add(limitRate(() => this.#drawNow(), REDRAW_MS));
  #state: CellsState;

  constructor(panel: vscode.WebviewPanel, state: CellsState, deps: CellPanelDeps) {
    this.#panel = panel;
    this.#state = state;
    this.#deps = deps;
    const { webview } = panel;
    this.#readResults = createReadResults(deps.state);
    this.#feed = new CellFeed({
      readText: createReadText(deps.state),
      readResults: this.#readResults,
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- VS Code's own, which has none
      post: (message) => void webview.postMessage(message),
    });
    this.#follow();
    const assets = vscode.Uri.joinPath(deps.extensionUri, "dist", "webview");
    webview.options = { enableScripts: true, localResourceRoots: [assets] };
    webview.html = toCellsHtml({
      cspSource: webview.cspSource,
      scriptUri: webview.asWebviewUri(vscode.Uri.joinPath(assets, "cell-results.js")).toString(),
      styleUri: webview.asWebviewUri(vscode.Uri.joinPath(assets, "cell-results.css")).toString(),
    });
    panel.title = titleOfPanel(state);
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #follow(): void {
    const { store, queue } = this.#deps;
    const note = ({ runId }: { readonly runId: string }): void => this.#note(runId);
    this.#resources.add(store.onDidChange((run) => (run ? this.#note(run.id) : this.#noteAll())));
    this.#resources.add(store.onDidAdvance(note));
    this.#resources.add(store.onDidAdvanceResults(note));
    this.#resources.add(queue.onDidChange(() => this.#draw.request()));
    this.#resources.add(this.#panel.webview.onDidReceiveMessage((message: unknown) => this.#take(message)));
  }

  /** Of other runs than those of this file nothing is drawn. */
  #note(runId: string): void {
    const run = this.#deps.store.run(runId);
    if (!run || !this.#isShown(run)) return;
    this.#stale.add(runId);
    this.#draw.request();
  }

  #noteAll(): void {
    for (const { id } of this.#runs()) this.#stale.add(id);
    this.#draw.request();
  }

  /** Oldest first. */
  #runs(): readonly CellRun[] {
    return this.#deps.store.runs
      .filter((run): run is CellRun => this.#isShown(run))
      .slice(0, MAX_ENTRIES)
      .toReversed();
  }

  #isShown(run: Parameters<typeof isCellRun>[0]): boolean {
    const { workspaceRoot, path, since } = this.#state;
    const isOurs = isCellRun(run) && run.workspaceRoot === workspaceRoot && run.command.path === path;
    return isOurs && run.requestedAt > since;
  }

  #drawNow(): void {
    // What is hidden has no page, and asks for everything when it is seen again.
    if (!this.#panel.visible) return;
    const runs = this.#runs();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- VS Code's own, which has none
    void this.#panel.webview.postMessage(this.#toPage(runs));
    // The newest first: what is too much at once are the others.
    for (const run of runs.toReversed()) {
      if (!this.#stale.delete(run.id)) continue;
      this.#feed.send(run).catch((error: unknown) => {
        this.#deps.logger.warn(`The results of the run ${run.id} cannot be read: ${toMessage(error)}`);
      });
    }
  }

  #toPage(runs: readonly CellRun[]): CellsPage {
    const { workspaceRoot, path } = this.#state;
    const waiting = this.#deps.queue.waiting(workspaceRoot, path);
    const entries = [
      ...runs.map((run, at) =>
        toEntry(
          run,
          runs.slice(0, at).findLast(({ startedAt }) => startedAt),
        ),
      ),
      ...waiting.map(({ id, input }) => toWaitingEntry(id, input.command.code)),
    ];
    return {
      type: "page",
      title: titleOfPanel(this.#state),
      entries,
      announcement: describeLast(runs.at(-1)),
      isLive: entries.some(({ state }) => state === "live" || state === "waiting"),
      state: this.#state,
    };
  }

  #take(message: unknown): void {
    const request = readRequest(message);
    if (request) this.#answer(request).catch((error: unknown) => showError(error, this.#deps.logger));
  }

  async #answer(request: CellsRequest): Promise<void> {
    if ("id" in request) {
      // A page speaks of the cells that it shows, and of no others.
      const run = this.#runs().find(({ id }) => id === request.id);
      return run && (await answerAbout(run, request, this.#readResults));
    }
    switch (request.type) {
      case "ready":
        this.#feed.reset();
        return this.#noteAll();
      case "stop-all":
        return this.#stopAll();
      case "clear":
        this.#state = { ...this.#state, since: this.#runs().at(-1)?.requestedAt ?? this.#state.since };
        return this.#draw.request();
      case "restart":
        await vscode.commands.executeCommand("sandpiper.restartContext", this.#runs().at(-1)?.id);
    }
  }

  #stopAll(): void {
    const { workspaceRoot, path } = this.#state;
    this.#deps.queue.clear(workspaceRoot, path);
    for (const run of this.#runs())
      if (outcomeOf(run) === "live") void vscode.commands.executeCommand("sandpiper.stop", run.id);
  }
}

function titleOfPanel({ path }: CellsState): string {
  return vscode.l10n.t("{0}: Results", toDisplay(path.slice(path.lastIndexOf("/") + 1)));
}

/** Said once when a cell begins and when it ends. */
function describeLast(run: CellRun | undefined): string {
  if (!run) return "";
  const title = titleOf(run);
  return {
    live: vscode.l10n.t("{0} is running.", title),
    succeeded: vscode.l10n.t("{0} is done.", title),
    failed: vscode.l10n.t("{0} has failed.", title),
    stopped: vscode.l10n.t("{0} was stopped.", title),
  }[outcomeOf(run)];
}
