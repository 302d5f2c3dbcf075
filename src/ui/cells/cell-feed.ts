import * as vscode from "vscode";
import { type CellsMessage, type ResultForm, type ResultView, type TextSpan } from "./cell-messages.ts";
import type { PrintedText, ReadText } from "./read-text.ts";
import type { ReadResults } from "../../sessions/cells/read-results.ts";
import { styleText } from "./style-text.ts";
import { toResultView } from "./to-result-view.ts";
import { type CellRun, toSource } from "./to-entry.ts";

/** What a page is fed from. */
export interface CellFeedDeps {
  readonly readText: ReadText;
  readonly readResults: ReadResults;
  readonly post: (message: CellsMessage) => void;
}

interface Progress {
  offset: number;
  resultCount: number;
  /** What it raised, as it was printed too. */
  traceback: string;
}

/** What a page holds at most, in characters: more would fill the memory. */
const MAX_PAGE_CHARACTERS = 48 * 1024 * 1024;

/** Sends a page what cells have printed and shown: everything once, then what is new. */
export class CellFeed {
  readonly #deps: CellFeedDeps;
  readonly #progress = new Map<string, Progress>();
  #left = MAX_PAGE_CHARACTERS;
  #last: Promise<void> = Promise.resolve();

  constructor(deps: CellFeedDeps) {
    this.#deps = deps;
  }

  /** The page has nothing of it any more. */
  reset(): void {
    this.#progress.clear();
    this.#left = MAX_PAGE_CHARACTERS;
  }

  /** Sends what is there of that run and has not been sent. Rejects when it cannot be read. */
  async send(run: CellRun): Promise<void> {
    // One after the other: each goes on where the last one ended.
    const sent = this.#last.then(() => this.#send(run));
    this.#last = sent.catch(() => undefined);
    await sent;
  }

  async #send(run: CellRun): Promise<void> {
    const known = this.#progress.get(run.id);
    const progress = known ?? { offset: 0, resultCount: 0, traceback: "" };
    const { outputs, nextOffset } = await this.#deps.readResults(run.id, progress.offset);
    const printed = await this.#deps.readText(run.id);
    // It may have been forgotten meanwhile, and is read anew then.
    if (known && this.#progress.get(run.id) !== known) return;
    this.#progress.set(run.id, progress);
    const place = { path: run.command.path, line: toSource(run.command.code).line };
    const views = outputs.flatMap(
      (output, at) => toResultView(output, { ...place, index: progress.resultCount + at }) ?? [],
    );
    progress.offset = nextOffset;
    progress.resultCount += outputs.length;
    for (const output of outputs) if (output.kind === "error") progress.traceback = output.traceback;
    this.#deps.post({ type: "text", id: run.id, ...toText(printed, progress.traceback) });
    if (views.length === 0 && known) return;
    const results = views.map((view) => this.#fit(view));
    this.#deps.post({ type: "results", id: run.id, isFirst: !known, results });
  }

  #fit(view: ResultView): ResultView {
    return view.kind === "error" ? view : { ...view, forms: view.forms.map((form) => this.#fitForm(form)) };
  }

  #fitForm(form: ResultForm): ResultForm {
    const size = sizeOf(form);
    if (size <= this.#left) {
      this.#left -= size;
      return form;
    }
    const { mime, label } = form;
    return { mime, label, kind: "omitted", text: vscode.l10n.t("More than can be shown at once. Save it instead.") };
  }
}

function sizeOf(form: ResultForm): number {
  switch (form.kind) {
    case "image":
      return form.base64.length;
    case "html":
      return form.html.length;
    case "text":
    case "omitted":
      return form.text.length;
    case "json":
      return JSON.stringify(form.value).length;
    case "table":
      return form.table.rows.reduce((sum, row) => sum + row.join("").length, 0);
    case "chart":
      return form.chart.shapes.length * 50;
  }
}

/** What was raised is shown with a way to its line: its print is the same once more. */
function toText(
  { pieces, skippedBytes }: PrintedText,
  traceback: string,
): { readonly spans: readonly TextSpan[]; readonly skipped: string } {
  const raised = traceback.trimEnd();
  const spans = pieces.flatMap(({ stream, text }, at) => {
    const isLast = !pieces.slice(at + 1).some((piece) => piece.stream === stream);
    const isRaised = isLast && raised !== "" && stream === "stderr" && text.trimEnd().endsWith(raised);
    const shown = isRaised ? text.trimEnd().slice(0, -raised.length) : text;
    return styleText(shown, stream);
  });
  const size = (skippedBytes / 1024 / 1024).toFixed(1);
  const skipped = skippedBytes === 0 ? "" : vscode.l10n.t("… {0} MiB of output not shown here: Open full log", size);
  return { spans, skipped };
}
