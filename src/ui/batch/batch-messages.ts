// What the table of a batch and the window say to each other. Both sides share this file and no other.

/** How it stands with one run of a batch. */
export type RowState = "queued" | "live" | "succeeded" | "failed" | "stopped";

export const SORT_KEYS = ["index", "state", "exit", "duration", "cost", "changes"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export const FILTERS = ["all", "queued", "live", "succeeded", "failed", "stopped"] as const;
export type RowFilter = (typeof FILTERS)[number];

/** Which rows are looked at, and in which order. */
export interface TableView {
  readonly sort: SortKey;
  readonly isDescending: boolean;
  readonly filter: RowFilter;
  /** From 0. */
  readonly page: number;
}

/** A row as it is drawn: plain text, translated. */
export interface TableRow {
  readonly index: number;
  /** Missing while the run has not started. */
  readonly runId?: string;
  readonly state: RowState;
  readonly stateText: string;
  readonly exit: string;
  readonly duration: string;
  readonly cost: string;
  readonly changes: string;
  /** Why it failed, for its tooltip. */
  readonly reason: string;
  /** There is something to review. */
  readonly hasChanges: boolean;
}

/** All that the table shows. */
export interface TablePage {
  readonly type: "page";
  readonly title: string;
  readonly summary: string;
  /** Said by screen readers when it changes, which is seldom. */
  readonly announcement: string;
  readonly isLive: boolean;
  readonly done: number;
  readonly count: number;
  readonly rows: readonly TableRow[];
  /** "101 – 200 of 1,000". */
  readonly range: string;
  readonly pageCount: number;
  readonly view: TableView;
  /** Rows per filter, as its label shows them. */
  readonly counts: Readonly<Record<RowFilter, string>>;
}

export const ROW_ACTIONS = ["log", "terminal", "review"] as const;
export type RowAction = (typeof ROW_ACTIONS)[number];

/** What the user did. The first message is the view that was last looked at. */
export type TableRequest =
  | { readonly type: "view"; readonly view: TableView }
  | { readonly type: "stop" }
  | { readonly type: RowAction; readonly runId: string };

/** What is kept of a table when its window reloads. */
export interface TableState {
  readonly batchId: string;
  readonly view: TableView;
}
