// What the results of cells and the window say to each other. Both sides share this file and no other.

/** How it stands with a cell that was asked for. */
type CellState = "waiting" | "live" | "succeeded" | "failed" | "stopped";

/** A cell that was asked for, as it is drawn: plain text, translated. */
export interface CellEntry {
  /** The run's; of a cell that waits, one that no run has. */
  readonly id: string;
  /** "[3]", "[ ]" when it has not been counted. */
  readonly count: string;
  /** Its first line with code. */
  readonly source: string;
  /** Where that is in the file, from 1. */
  readonly line: number;
  readonly state: CellState;
  readonly stateText: string;
  /** How long it took, where, and what that cost. */
  readonly time: string;
  /** What has to be known before its results: that it began with nothing, why it did not run. */
  readonly notes: readonly string[];
  /** "2 files changed: Review"; "" when there are none. */
  readonly changes: string;
}

/** All cells of a file that are shown, oldest first. */
export interface CellsPage {
  readonly type: "page";
  readonly title: string;
  readonly entries: readonly CellEntry[];
  /** Said by screen readers when it changes. */
  readonly announcement: string;
  readonly isLive: boolean;
  readonly state: CellsState;
}

/** Text in one style: classes of our own style sheet, separated by spaces. */
export interface TextSpan {
  readonly text: string;
  readonly style: string;
}

/** All that a cell has printed, or its end when that is much. */
export interface CellText {
  readonly type: "text";
  readonly id: string;
  readonly spans: readonly TextSpan[];
  /** Said above it when something is left out. */
  readonly skipped: string;
}

/** What a cell has shown since the last message. With `isFirst` it replaces what is there. */
export interface CellResults {
  readonly type: "results";
  readonly id: string;
  readonly isFirst: boolean;
  readonly results: readonly ResultView[];
}

export type CellsMessage = CellsPage | CellText | CellResults;

/** A part of a traceback; with a line (from 1) it leads to that line of a file of the workspace. */
export interface TracePart {
  readonly text: string;
  readonly path?: string;
  readonly line?: number;
}

/** One result, by its place among all that its cell showed. Its forms are the same thing, the best one first. */
export type ResultView =
  | { readonly kind: "forms"; readonly index: number; readonly forms: readonly ResultForm[] }
  | { readonly kind: "error"; readonly index: number; readonly title: string; readonly trace: readonly TracePart[] };

/** One form of a result. `label` is its name for people. */
export type ResultForm = { readonly mime: string; readonly label: string } & (
  | { readonly kind: "image"; readonly base64: string; readonly alt: string }
  | { readonly kind: "html"; readonly html: string; readonly heightPx: number }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "table"; readonly table: TableView }
  | { readonly kind: "chart"; readonly chart: ChartDrawing }
  /** It is not shown, and `text` says why. */
  | { readonly kind: "omitted"; readonly text: string }
);

/** A table as it is drawn. */
export interface TableView {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly string[])[];
  /** "5 rows × 3 columns". */
  readonly caption: string;
}

interface TableColumn {
  readonly name: string;
  readonly isNumeric: boolean;
}

/** A chart in shapes, by coordinates of a picture of that size. */
export interface ChartDrawing {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly ChartShape[];
  readonly legend: readonly string[];
}

/** `series` picks the colour, from 0. */
export type ChartShape =
  | { readonly kind: "axis"; readonly from: ChartPoint; readonly to: ChartPoint }
  | { readonly kind: "line"; readonly points: readonly ChartPoint[]; readonly series: number }
  | { readonly kind: "dot"; readonly at: ChartPoint; readonly series: number; readonly label: string }
  | {
      readonly kind: "bar";
      readonly at: ChartPoint;
      readonly width: number;
      readonly height: number;
      readonly series: number;
      readonly label: string;
    }
  /** `path` as SVG's `d`. */
  | { readonly kind: "slice"; readonly path: string; readonly series: number; readonly label: string }
  | {
      readonly kind: "text";
      readonly at: ChartPoint;
      readonly text: string;
      readonly anchor: "start" | "middle" | "end";
    };

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
}

export const CELL_ACTIONS = ["stop", "review", "log", "goto", "rerun"] as const;
type CellAction = (typeof CELL_ACTIONS)[number];

/** What the user did. The first message is "ready": everything is sent afresh then. */
export type CellsRequest =
  | { readonly type: "ready" | "stop-all" | "restart" | "clear" }
  | { readonly type: CellAction; readonly id: string }
  | { readonly type: "open"; readonly id: string; readonly path: string; readonly line: number }
  | { readonly type: "save" | "copy"; readonly id: string; readonly index: number; readonly mime: string };

/** What is kept of it when its window reloads. */
export interface CellsState {
  readonly workspaceRoot: string;
  /** Of the file, relative to it, POSIX. */
  readonly path: string;
  /** Cells that were asked for until then are not shown; ISO 8601, "" for all. */
  readonly since: string;
}
