import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { RunCommand, RunRecord } from "../../sessions/records.ts";
import { describeRunCost } from "../describe-cost.ts";
import {
  changedFileCount,
  describeDuration,
  describeFileCount,
  describeShortPlace,
  describeState,
  durationMsOf,
  outcomeOf,
} from "../describe-run.ts";
import { hasPendingChanges } from "../run-store.ts";
import type { CellEntry } from "./cell-messages.ts";

/** A run of a cell. */
export interface CellRun extends RunRecord {
  readonly command: Extract<RunCommand, { kind: "cell" }>;
}

const MAX_SOURCE_CHARACTERS = 120;

export function isCellRun(run: RunRecord): run is CellRun {
  return run.command.kind === "cell";
}

/** The run of a cell as it is drawn. @param before the last one of the same file that had begun when it was asked for */
export function toEntry(run: CellRun, before: CellRun | undefined): CellEntry {
  const state = outcomeOf(run);
  const duration = durationMsOf(run);
  const changes = changedFileCount(run);
  const place = state === "live" ? undefined : describeShortPlace(run);
  return {
    id: run.id,
    count: toCount(run.cellCount),
    ...toSource(run.command.code),
    state,
    stateText: describeCellState(run),
    time: [duration === undefined ? undefined : describeDuration(duration), place, describeRunCost(run)]
      .filter((part) => part !== undefined)
      .join(" · "),
    notes: [...(before && isAfresh(run, before) ? [describeFresh()] : []), ...describeTrouble(run)],
    changes: changes === 0 ? "" : describeChanges(run, changes),
  };
}

/** A cell that waits for those before it. */
export function toWaitingEntry(id: string, code: string): CellEntry {
  const stateText = vscode.l10n.t("waiting");
  return {
    id,
    count: toCount(undefined),
    ...toSource(code),
    state: "waiting",
    stateText,
    time: "",
    notes: [],
    changes: "",
  };
}

/** The first line with code, and where that is, from 1: code has a blank line for every line of its file before it. */
export function toSource(code: string): { readonly source: string; readonly line: number } {
  const lines = code.split("\n");
  const at = Math.max(
    0,
    lines.findIndex((line) => line.trim() !== ""),
  );
  const text = toDisplay((lines[at] ?? "").trim());
  const source = text.length > MAX_SOURCE_CHARACTERS ? `${text.slice(0, MAX_SOURCE_CHARACTERS)}…` : text;
  return { source, line: at + 1 };
}

function toCount(count: number | undefined): string {
  return count === undefined ? "[ ]" : `[${count}]`;
}

/** Exit codes say nothing of a cell. */
function describeCellState(run: CellRun): string {
  const outcome = outcomeOf(run);
  if (run.state !== "ended" && run.progress !== undefined) return toDisplay(run.progress);
  if (outcome === "succeeded") return vscode.l10n.t("done");
  return run.exit?.kind === "exited" && outcome === "failed" && !run.stopReason
    ? vscode.l10n.t("error")
    : describeState(run);
}

/** Whether what the cell before it defined was no longer there. Within a session the engine says by itself when it was lost. */
function isAfresh(run: CellRun, before: CellRun): boolean {
  if (run.command.language !== before.command.language || !run.startedAt) return false;
  if (run.sessionId !== before.sessionId) return true;
  const isCountedAnew = (run.cellCount ?? 0) <= (before.cellCount ?? 0) && run.cellCount !== undefined;
  return isCountedAnew && (run.notes ?? []).length === 0;
}

function describeFresh(): string {
  return vscode.l10n.t("This cell began afresh: nothing that the cells above defined was there any more.");
}

function describeTrouble(run: CellRun): readonly string[] {
  const error = run.error ? [run.error.message] : [];
  return [...error, ...(run.notes ?? [])].map((text) => toDisplay(text));
}

function describeChanges(run: CellRun, count: number): string {
  return hasPendingChanges(run) ? vscode.l10n.t("{0}: Review", describeFileCount(count)) : describeFileCount(count);
}
