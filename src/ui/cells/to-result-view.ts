import * as vscode from "vscode";
import { CHART_MIME, type CellOutput, TABLE_MIME } from "../../core/interpreter.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import { findFileMentions } from "../terminal/find-links.ts";
import type { ResultForm, ResultView, TracePart } from "./cell-messages.ts";
import { readChart } from "./chart-data.ts";
import { drawChart } from "./draw-chart.ts";
import { toTable } from "./to-table.ts";

/** What of a cell decides how its results are drawn. */
export interface ResultPlace {
  /** Its place among all that the cell showed. */
  readonly index: number;
  /** The file that the cell stands in, and its first line with code there, from 1. */
  readonly path: string;
  readonly line: number;
}

const MAX_IMAGE_CHARACTERS = 12 * 1024 * 1024;
const MAX_TEXT_CHARACTERS = 1024 * 1024;
/** As a person reads them: the first form of a result that is there is shown. */
const ORDER = [
  TABLE_MIME,
  "image/png",
  "image/jpeg",
  "image/svg+xml",
  CHART_MIME,
  "text/html",
  "text/markdown",
  "application/json",
  "text/latex",
  "text/plain",
];

/** How one output is drawn; undefined for what is no result. */
export function toResultView(output: CellOutput, place: ResultPlace): ResultView | undefined {
  const { index } = place;
  switch (output.kind) {
    case "count":
      return undefined;
    case "error": {
      const title = [output.name, output.value].filter((part) => part !== "").join(": ");
      const trace = splitTrace(output.traceback.slice(-MAX_TEXT_CHARACTERS), place);
      return { kind: "error", index, title: title.slice(0, 1_000), trace };
    }
    case "result": {
      const forms = sortMimes(Object.keys(output.data)).map((mime) => toForm(mime, output.data));
      return forms.length === 0 ? undefined : { kind: "forms", index, forms };
    }
  }
}

/** Best first; what is not known comes last. */
function sortMimes(mimes: readonly string[]): readonly string[] {
  return [...mimes].sort((a, b) => rankOf(a) - rankOf(b));
}

function rankOf(mime: string): number {
  return ORDER.includes(mime) ? ORDER.indexOf(mime) : ORDER.length;
}

function toForm(mime: string, data: Readonly<Record<string, string>>): ResultForm {
  const text = data[mime] ?? "";
  const named = { mime, label: labelOf(mime) };
  if (text.length > (isBinary(mime) ? MAX_IMAGE_CHARACTERS : MAX_TEXT_CHARACTERS)) {
    const size = (text.length / 1024 / 1024).toFixed(1);
    return { ...named, kind: "omitted", text: vscode.l10n.t("{0} MiB are too much to show. Save it instead.", size) };
  }
  const base64 = toPicture(mime, text);
  if (base64 !== undefined) return { ...named, kind: "image", base64, alt: altOf(data, named.label) };
  if (isJson(mime)) return toDataForm(named, text);
  if (mime === "text/html") return { ...named, kind: "html", html: text, heightPx: guessHeightPx(text) };
  if (mime.startsWith("text/")) return { ...named, kind: "text", text };
  return { ...named, kind: "omitted", text: vscode.l10n.t("{0} cannot be shown here. Save it instead.", mime) };
}

/** A picture as base64; undefined for what is none that is drawn. Interpreters hand drawings over as text or as base64. */
function toPicture(mime: string, data: string): string | undefined {
  if (mime === "image/png" || mime === "image/jpeg") return data;
  if (mime !== "image/svg+xml") return undefined;
  return data.trimStart().startsWith("<") ? Buffer.from(data, "utf8").toString("base64") : data;
}

/** What is not as its type says is shown as the text that it is. */
function toDataForm(named: { readonly mime: string; readonly label: string }, text: string): ResultForm {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ...named, kind: "text", text };
  }
  const table = named.mime === TABLE_MIME ? toTable(value) : undefined;
  if (table) return { ...named, kind: "table", table };
  const chart = named.mime === CHART_MIME ? readChart(value) : undefined;
  return chart ? { ...named, kind: "chart", chart: drawChart(chart) } : { ...named, kind: "json", value };
}

function labelOf(mime: string): string {
  const names: Readonly<Record<string, string>> = {
    [TABLE_MIME]: vscode.l10n.t("Table"),
    [CHART_MIME]: vscode.l10n.t("Chart"),
    "image/png": vscode.l10n.t("Picture"),
    "image/jpeg": vscode.l10n.t("Picture"),
    "image/svg+xml": vscode.l10n.t("Drawing"),
    "text/html": "HTML",
    "text/markdown": "Markdown",
    "application/json": "JSON",
    "text/latex": "LaTeX",
    "text/plain": vscode.l10n.t("Text"),
  };
  return names[mime] ?? toDisplay(mime);
}

function altOf(data: Readonly<Record<string, string>>, label: string): string {
  return data["text/plain"]?.slice(0, 200) ?? label;
}

/** Text and JSON are kept as text, everything else as base64. */
export function isBinary(mime: string): boolean {
  return !mime.startsWith("text/") && !isJson(mime) && mime !== "image/svg+xml" && mime !== "application/javascript";
}

function isJson(mime: string): boolean {
  return mime === "application/json" || mime.endsWith("+json");
}

/** A page that runs nothing cannot say how high it is: by what makes lines in it. */
function guessHeightPx(html: string): number {
  const lines = html.match(/<(?:tr|p|br|li|h[1-6]|div|pre|hr)\b/gi)?.length ?? 0;
  return Math.min(480, Math.max(48, lines * 25 + 24));
}

/** A traceback cut at what leads to a line of a file. */
function splitTrace(text: string, { path, line: cellLine }: ResultPlace): readonly TracePart[] {
  const parts: TracePart[] = [];
  const add = (part: TracePart): void => void (part.text !== "" && parts.push(part));
  for (const [at, line] of text.split("\n").entries()) {
    if (at > 0) add({ text: "\n" });
    let from = 0;
    const mentions = line.length > 5_000 ? [] : [...findCellMentions(line, path, cellLine), ...findFileMentions(line)];
    for (const mention of mentions) {
      if (mention.start < from || mention.line === undefined) continue;
      add({ text: line.slice(from, mention.start) });
      from = mention.start + mention.length;
      add({ text: line.slice(mention.start, from), path: mention.path, line: mention.line });
    }
    add({ text: line.slice(from) });
  }
  return parts;
}

/** IPython names cells by their counts, and lines from their first one with code: `Cell In[3], line 2`. */
function findCellMentions(
  line: string,
  path: string,
  cellLine: number,
): readonly { readonly start: number; readonly length: number; readonly path: string; readonly line: number }[] {
  return [...line.matchAll(/Cell In ?\[\d+\], line (\d{1,9})/g)].map((match) => ({
    start: match.index,
    length: match[0].length,
    path,
    line: cellLine + Number(match[1]) - 1,
  }));
}
