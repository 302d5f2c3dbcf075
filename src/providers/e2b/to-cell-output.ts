import type { Result } from "@e2b/code-interpreter";
import { CHART_MIME, type CellOutput, TABLE_MIME } from "../../core/interpreter.ts";

/** The service's names of forms that are text, and their MIME types. */
const TEXTS = [
  ["text", "text/plain"],
  ["html", "text/html"],
  ["markdown", "text/markdown"],
  ["svg", "image/svg+xml"],
  ["latex", "text/latex"],
  ["javascript", "application/javascript"],
] as const;

/** Those that are bytes, as base64. */
const BYTES = [
  ["png", "image/png"],
  ["jpeg", "image/jpeg"],
  ["pdf", "application/pdf"],
] as const;

/** The fields of the SDK's class. */
type Shown = Omit<Result, "raw" | "formats" | "toJSON">;

/** Maps what a cell shows, as E2B's service tells it, to forms by MIME type. Forms that we don't know keep their names. */
export function toCellOutput(result: Shown): CellOutput {
  const data: Record<string, string> = {};
  const add = (mime: string, text: string | undefined): void => {
    if (text !== undefined) data[mime] = text;
  };
  for (const [key, value] of Object.entries<unknown>(result.extra ?? {})) add(key, toText(value));
  for (const [name, mime] of TEXTS) add(mime, result[name]);
  // Some libraries break base64 into lines.
  for (const [name, mime] of BYTES) add(mime, result[name]?.replaceAll(/\s+/g, ""));
  add("application/json", toText(result.json));
  add(TABLE_MIME, toTable(result.data));
  if (result.chart?.type !== undefined) add(CHART_MIME, JSON.stringify(result.chart));
  return { kind: "result", data, isMain: result.isMainResult };
}

/** Most rows of a table that are kept for its table form; the text form has its own limit. */
const MOST_ROWS = 10_000;

/** The service tells a data frame as a list per column; undefined for anything else. */
function toTable(columns: unknown): string | undefined {
  if (typeof columns !== "object" || columns === null) return undefined;
  const names = Object.keys(columns);
  const lists: unknown[] = Object.values(columns);
  if (names.length === 0 || !lists.every(Array.isArray)) return undefined;
  const rowCount = lists[0]?.length ?? 0;
  if (lists.some((list) => list.length !== rowCount)) return undefined;
  const shown = Math.min(rowCount, MOST_ROWS);
  const rows = Array.from({ length: shown }, (_, row) => lists.map((list): unknown => list[row] ?? null));
  return JSON.stringify({ columns: names, rows, rowCount });
}

function toText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}
