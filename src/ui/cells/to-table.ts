import * as vscode from "vscode";
import type { TableView } from "./cell-messages.ts";

const MAX_ROWS = 1_000;
const MAX_COLUMNS = 100;
const MAX_CELL_CHARACTERS = 500;

/** A table as `TABLE_MIME` describes it, as far as it can be drawn; undefined when it is none. */
export function toTable(value: unknown): TableView | undefined {
  const { columns, rows, rowCount } = toRecord(value);
  if (!Array.isArray(columns) || !Array.isArray(rows)) return undefined;
  const names = columns.slice(0, MAX_COLUMNS).map(toCellText);
  const shown = rows.slice(0, MAX_ROWS).map((row: unknown): readonly unknown[] => (Array.isArray(row) ? row : [row]));
  return {
    columns: names.map((name, at) => ({ name, isNumeric: isNumeric(shown.map((row) => row[at])) })),
    rows: shown.map((row) => names.map((_, at) => toCellText(row[at]))),
    caption: describeSize(shown.length, typeof rowCount === "number" ? rowCount : rows.length, columns.length),
  };
}

function describeSize(shown: number, total: number, columns: number): string {
  const width = columns === 1 ? vscode.l10n.t("1 column") : vscode.l10n.t("{0} columns", columns.toLocaleString());
  const height = total === 1 ? vscode.l10n.t("1 row") : vscode.l10n.t("{0} rows", total.toLocaleString());
  const whole = `${height} × ${width}`;
  return shown < total ? vscode.l10n.t("{0}, the first {1} rows shown", whole, shown.toLocaleString()) : whole;
}

function isNumeric(values: readonly unknown[]): boolean {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length > 0 && known.every((value) => typeof value === "number");
}

function toCellText(value: unknown): string {
  const text = typeof value === "string" ? value : value === null ? "" : (JSON.stringify(value) ?? "");
  return text.length > MAX_CELL_CHARACTERS ? `${text.slice(0, MAX_CELL_CHARACTERS)}…` : text;
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
