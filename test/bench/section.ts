import { medianOf } from "./statistics.ts";

/** Ours beside what it is held against. */
export interface Row {
  readonly what: string;
  readonly unit: "ms" | "KB";
  readonly ours: readonly number[];
  readonly theirs?: { readonly name: string; readonly values: readonly number[] };
  /** What performance.md asks for, as a ratio to theirs or a value. */
  readonly target?: string | undefined;
}

/** What one bench found. */
export interface Section {
  readonly title: string;
  /** What was measured, how, and what the other side does; a paragraph. */
  readonly how: string;
  readonly rows: readonly Row[];
  /** What could not be measured and why, and where the time goes. */
  readonly notes: readonly string[];
}

/** Sections by their bench's name. */
export type Report = Readonly<Record<string, Section>>;

/** The whole page. */
export function toMarkdown(report: Report, machine: string): string {
  const head =
    "# Results\n\n" +
    `Made by \`npm run bench\` on ${machine}. Times are medians (from the fastest to the slowest); what is compared was measured ` +
    "in turn, over and over. A ratio below 1 says that Sandpiper is faster.\n";
  return [head, ...Object.values(report).map(toSection)].join("\n");
}

function toSection({ title, how, rows, notes }: Section): string {
  const table = [
    "| what | Sandpiper | the other | ratio | target |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map(toLine),
  ];
  const parts = [
    `## ${title}`,
    how,
    ...(rows.length > 0 ? [table.join("\n")] : []),
    notes.map((note) => `- ${note}`).join("\n"),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function toLine({ what, unit, ours, theirs, target = "" }: Row): string {
  const other = theirs ? `${theirs.name}: ${toText(theirs.values, unit)}` : "";
  const ratio = theirs ? `${toRatio(medianOf(ours) / medianOf(theirs.values))}×` : "";
  return `| ${[what, toText(ours, unit), other, ratio, target].join(" | ")} |`;
}

function toText(values: readonly number[], unit: string): string {
  const spread =
    values.length > 1 ? ` (${toFixed(Math.min(...values))}–${toFixed(Math.max(...values))}, n=${values.length})` : "";
  return `${toFixed(medianOf(values))} ${unit}${spread}`;
}

function toFixed(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}

function toRatio(ratio: number): string {
  return ratio.toFixed(ratio < 0.095 ? 3 : 2);
}
