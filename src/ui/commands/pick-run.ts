import * as vscode from "vscode";
import type { ReviewedChange, RunRecord, SessionRecord } from "../../sessions/records.ts";
import { describeRun, titleOf } from "../describe-run.ts";
import { openRoots } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";

/** Items of our views, as VS Code hands them to commands. */
export interface RunItem {
  readonly kind: "run";
  readonly run: RunRecord;
}
export interface ChangeItem {
  readonly kind: "change";
  readonly runId: string;
  readonly change: ReviewedChange;
}
export interface SessionItem {
  readonly kind: "session";
  readonly session: SessionRecord;
}

export function isRunItem(argument: unknown): argument is RunItem {
  return hasKind(argument, "run");
}

export function isChangeItem(argument: unknown): argument is ChangeItem {
  return hasKind(argument, "change");
}

export function isSessionItem(argument: unknown): argument is SessionItem {
  return hasKind(argument, "session");
}

function hasKind(argument: unknown, kind: string): boolean {
  return typeof argument === "object" && argument !== null && "kind" in argument && argument.kind === kind;
}

/**
 * The run that a command is about: the item's, the one with the id, that of the terminal in front, the only one that fits,
 * or the one the user picks. Undefined when there is none or the user picks none.
 */
export async function pickRun(
  deps: CommandDeps,
  argument: unknown,
  fits: (run: RunRecord) => boolean,
  question: string,
): Promise<RunRecord | undefined> {
  if (isRunItem(argument)) return deps.store.run(argument.run.id) ?? argument.run;
  if (isChangeItem(argument)) return deps.store.run(argument.runId);
  await deps.store.load();
  if (typeof argument === "string") return deps.store.run(argument);
  const shown = deps.terminals.runOf(vscode.window.activeTerminal);
  const current = shown && deps.store.run(shown.id);
  if (current && fits(current)) return current;
  return pickAmong(deps, fits, question);
}

async function pickAmong(
  deps: CommandDeps,
  fits: (run: RunRecord) => boolean,
  question: string,
): Promise<RunRecord | undefined> {
  const roots = openRoots();
  const runs = deps.store.runs.filter((run) => roots.includes(run.workspaceRoot) && fits(run));
  if (runs.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There is no such run in this workspace."));
    return undefined;
  }
  if (runs.length === 1) return runs[0];
  const items = runs.map((run) => ({ label: titleOf(run), description: describeRun(run), run }));
  return (await vscode.window.showQuickPick(items, { placeHolder: question }))?.run;
}
