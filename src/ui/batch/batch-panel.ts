import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { describeBatch, endedCount, outcomeOfBatch, titleOfBatch } from "../describe-batch.ts";
import type { RunOutcome } from "../describe-run.ts";
import { limitRate } from "../limit-rate.ts";
import type { BatchRecord } from "../../sessions/cloud-records.ts";
import { toBatchHtml } from "./batch-html.ts";
import { FILTERS, type RowAction, type RowFilter, type TablePage, type TableView } from "./batch-messages.ts";
import { describeFilter, type RowsPage, toRowsPage } from "./batch-rows.ts";
import { type BatchStore, isLiveBatch } from "./batch-store.ts";
import { FIRST_VIEW, readRequest } from "./read-request.ts";

/** What a table is made from. */
export interface BatchPanelDeps {
  readonly batches: BatchStore;
  readonly extensionUri: vscode.Uri;
}

/** The table is drawn anew no more often, however fast its runs end. */
const REDRAW_MS = 250;

const COMMANDS: Readonly<Record<RowAction, string>> = {
  log: "sandpiper.openRunLog",
  terminal: "sandpiper.showRun",
  review: "sandpiper.reviewChanges",
};

/** Where the script and the style of the table are. */
function toAssetFolder(extensionUri: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(extensionUri, "dist", "webview");
}

/** Shows a batch in a web view's panel until that is closed, and does what the user asks there. */
export class BatchPanel implements Disposable {
  readonly #panel: vscode.WebviewPanel;
  readonly #batches: BatchStore;
  readonly #batchId: string;
  readonly #resources = new DisposableStore();
  #view = FIRST_VIEW;

  constructor(panel: vscode.WebviewPanel, batchId: string, { batches, extensionUri }: BatchPanelDeps) {
    this.#panel = panel;
    this.#batches = batches;
    this.#batchId = batchId;
    const { webview } = panel;
    const assets = toAssetFolder(extensionUri);
    const draw = this.#resources.add(limitRate(() => this.#draw(), REDRAW_MS));
    this.#resources.add(batches.onDidChange((id) => id === batchId && draw.request()));
    this.#resources.add(panel.onDidChangeViewState(() => draw.request()));
    this.#resources.add(webview.onDidReceiveMessage((message: unknown) => this.#answer(message)));
    webview.options = { enableScripts: true, localResourceRoots: [assets] };
    webview.html = toBatchHtml({
      cspSource: webview.cspSource,
      scriptUri: webview.asWebviewUri(vscode.Uri.joinPath(assets, "batch-table.js")).toString(),
      styleUri: webview.asWebviewUri(vscode.Uri.joinPath(assets, "batch-table.css")).toString(),
      batchId,
    });
    this.#drawTitle();
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #answer(message: unknown): void {
    const request = readRequest(message);
    if (!request) return;
    if (request.type === "view") {
      this.#view = request.view;
      return this.#draw();
    }
    if (request.type === "stop") {
      void vscode.commands.executeCommand("sandpiper.stopBatch", this.#batchId);
      return;
    }
    // A page speaks of the runs that it shows, and of no others.
    if (this.#batches.run(request.runId)?.batch.id !== this.#batchId) return;
    void vscode.commands.executeCommand(COMMANDS[request.type], request.runId);
  }

  #draw(): void {
    this.#drawTitle();
    // What is hidden is drawn when it is seen again.
    if (!this.#panel.visible) return;
    const batch = this.#batches.batch(this.#batchId);
    const page = batch ? toPage(batch, this.#batches, this.#view) : toEmptyPage(this.#view);
    this.#view = page.view;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- VS Code's own, which has none
    void this.#panel.webview.postMessage(page);
  }

  #drawTitle(): void {
    const batch = this.#batches.batch(this.#batchId);
    this.#panel.title = batch ? titleOfBatch(batch) : vscode.l10n.t("Batch");
  }
}

function toPage(batch: BatchRecord, batches: BatchStore, view: TableView): TablePage {
  const page = toRowsPage(batch, batches.runsOf(batch.id), view);
  return {
    type: "page",
    title: titleOfBatch(batch),
    summary: [describeBatch(batch), ...(batch.error === undefined ? [] : [batch.error])].join(" · "),
    announcement: describeOutcome(outcomeOfBatch(batch)),
    isLive: isLiveBatch(batch),
    done: endedCount(batch),
    count: batch.count,
    rows: page.rows,
    range: describeRange(page),
    pageCount: page.pageCount,
    view: { ...view, page: page.page },
    counts: toLabels(page.counts),
  };
}

/** The engine keeps batches for a while only. */
function toEmptyPage(view: TableView): TablePage {
  const gone = vscode.l10n.t("This batch is no longer on record.");
  const none = { all: 0, queued: 0, live: 0, succeeded: 0, failed: 0, stopped: 0 };
  return {
    type: "page",
    title: vscode.l10n.t("Batch"),
    summary: gone,
    announcement: gone,
    isLive: false,
    done: 0,
    count: 0,
    rows: [],
    range: "",
    pageCount: 1,
    view: { ...view, page: 0 },
    counts: toLabels(none),
  };
}

function describeRange({ from, rows, total }: RowsPage): string {
  if (total === 0) return vscode.l10n.t("none");
  const [first, last] = [from + 1, from + rows.length].map((each) => each.toLocaleString());
  return vscode.l10n.t("{0} – {1} of {2}", first ?? "", last ?? "", total.toLocaleString());
}

function describeOutcome(outcome: RunOutcome): string {
  return {
    live: vscode.l10n.t("The batch is running."),
    succeeded: vscode.l10n.t("All runs of the batch have succeeded."),
    failed: vscode.l10n.t("The batch has ended, and not all of it succeeded."),
    stopped: vscode.l10n.t("The batch was stopped."),
  }[outcome];
}

/** "failed (3)". */
function toLabels(counts: Readonly<Record<RowFilter, number>>): TablePage["counts"] {
  const label = (filter: RowFilter): string => `${describeFilter(filter)} (${counts[filter].toLocaleString()})`;
  const [all, queued, live, succeeded, failed, stopped] = FILTERS.map(label);
  return {
    all: all ?? "",
    queued: queued ?? "",
    live: live ?? "",
    succeeded: succeeded ?? "",
    failed: failed ?? "",
    stopped: stopped ?? "",
  };
}
