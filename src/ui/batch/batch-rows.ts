import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { BatchRecord } from "../../sessions/cloud-records.ts";
import { describeRunCost } from "../describe-cost.ts";
import {
  changedFileCount,
  describeDuration,
  describeFileCount,
  describeState,
  durationMsOf,
  outcomeOf,
} from "../describe-run.ts";
import type { RowFilter, RowState, SortKey, TableRow, TableView } from "./batch-messages.ts";
import { type BatchRun, isLiveBatch } from "./batch-store.ts";

/** One run of a batch, started or not. */
interface BatchRow {
  readonly index: number;
  readonly state: RowState;
  readonly run?: BatchRun;
}

/** Some rows of a table. */
export interface RowsPage {
  readonly rows: readonly TableRow[];
  /** Of the first row among all that pass the filter, from 0. */
  readonly from: number;
  /** That pass the filter. */
  readonly total: number;
  readonly pageCount: number;
  /** The one that is shown: the last one when there are no longer as many. */
  readonly page: number;
  readonly counts: Readonly<Record<RowFilter, number>>;
}

/** More rows at once are slow to draw and of no use. */
const PAGE_SIZE = 100;
/** What wants a look comes first. */
const STATE_ORDER: readonly RowState[] = ["failed", "stopped", "live", "queued", "succeeded"];

/** The page of the batch's runs that the view asks for; runs are by index, those that have started. */
export function toRowsPage(batch: BatchRecord, runs: readonly BatchRun[], view: TableView): RowsPage {
  const all = listRows(batch, runs);
  const counts = { all: all.length, queued: 0, live: 0, succeeded: 0, failed: 0, stopped: 0 };
  for (const { state } of all) counts[state] += 1;
  const shown = view.filter === "all" ? all : all.filter(({ state }) => state === view.filter);
  const sorted = sortRows(shown, view);
  const pageCount = Math.max(1, Math.ceil(sorted.length / PAGE_SIZE));
  const page = Math.min(view.page, pageCount - 1);
  const from = page * PAGE_SIZE;
  const rows = sorted.slice(from, from + PAGE_SIZE).map(toTableRow);
  return { rows, from, total: sorted.length, pageCount, page, counts };
}

/** By index, with those that have not started; none is still to start in a batch that has ended. */
function listRows(batch: BatchRecord, runs: readonly BatchRun[]): readonly BatchRow[] {
  const started = new Map(runs.map((run) => [run.batch.index, run]));
  const waiting = isLiveBatch(batch) ? "queued" : "stopped";
  return Array.from({ length: batch.count }, (_, index): BatchRow => {
    const run = started.get(index);
    return run ? { index, state: outcomeOf(run), run } : { index, state: waiting };
  });
}

/** Rows without what is sorted by come last either way; equal ones stay by index. */
function sortRows(rows: readonly BatchRow[], { sort, isDescending }: TableView): readonly BatchRow[] {
  const valueOf = VALUES[sort];
  const sign = isDescending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [left, right] = [valueOf(a), valueOf(b)];
    if (left === right) return a.index - b.index;
    if (left === undefined) return 1;
    return right === undefined ? -1 : (left - right) * sign;
  });
}

const VALUES: Readonly<Record<SortKey, (row: BatchRow) => number | undefined>> = {
  index: ({ index }) => index,
  state: ({ state }) => STATE_ORDER.indexOf(state),
  exit: ({ run }) => (run?.exit?.kind === "exited" ? run.exit.code : run?.exit && Number.MAX_SAFE_INTEGER),
  duration: ({ run }) => run && durationMsOf(run),
  cost: ({ run }) => run?.costUsd,
  changes: ({ run }) => (run ? changedFileCount(run) : undefined),
};

function toTableRow({ index, state, run }: BatchRow): TableRow {
  const waiting = { index, state, exit: "", duration: "", cost: "", changes: "", reason: "", hasChanges: false };
  return run ? { ...waiting, ...describeStarted(run, state) } : { ...waiting, stateText: describeFilter(state) };
}

function describeStarted(run: BatchRun, state: RowState): Omit<TableRow, "index" | "state"> {
  const duration = durationMsOf(run);
  const changes = changedFileCount(run);
  return {
    runId: run.id,
    stateText: state === "live" ? describeState(run) : describeFilter(state),
    exit: state === "live" ? "" : describeState(run),
    duration: duration === undefined ? "" : describeDuration(duration),
    cost: describeRunCost(run) ?? "",
    changes: changes === 0 ? "" : describeFileCount(changes),
    reason: toDisplay(run.error?.message ?? run.notes?.[0] ?? ""),
    hasChanges: changes > 0,
  };
}

/** What the rows that pass a filter have in common. */
export function describeFilter(filter: RowFilter): string {
  return {
    all: vscode.l10n.t("all"),
    queued: vscode.l10n.t("waiting"),
    live: vscode.l10n.t("running"),
    succeeded: vscode.l10n.t("succeeded"),
    failed: vscode.l10n.t("failed"),
    stopped: vscode.l10n.t("stopped"),
  }[filter];
}
