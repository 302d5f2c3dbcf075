import * as vscode from "vscode";
import type { BatchRecord } from "../../sessions/cloud-records.ts";
import type { ReviewedChange, RunRecord, SessionRecord } from "../../sessions/records.ts";
import type { ChangeSetRecord } from "../../sessions/snapshot-records.ts";
import { describeRun, titleOf } from "../describe-run.ts";
import { type ReviewSubject, toSubject } from "../review/review-subject.ts";
import { hasPendingChanges, type RunStore } from "../run-store.ts";
import { openRoots } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";

/** Items of our views, as VS Code hands them to commands. */
export interface RunItem {
  readonly kind: "run";
  readonly run: RunRecord;
}
export interface BatchItem {
  readonly kind: "batch";
  readonly batch: BatchRecord;
}
export interface ChangeSetItem {
  readonly kind: "change-set";
  readonly changeSet: ChangeSetRecord;
}
export interface ChangeItem {
  readonly kind: "change";
  /** Of the run or change set that it is one of. */
  readonly subjectId: string;
  readonly change: ReviewedChange;
}
export interface SessionItem {
  readonly kind: "session";
  readonly session: SessionRecord;
}

export function isRunItem(argument: unknown): argument is RunItem {
  return hasKind(argument, "run");
}

export function isBatchItem(argument: unknown): argument is BatchItem {
  return hasKind(argument, "batch");
}

function isChangeSetItem(argument: unknown): argument is ChangeSetItem {
  return hasKind(argument, "change-set");
}

export function isChangeItem(argument: unknown): argument is ChangeItem {
  return hasKind(argument, "change");
}

export function isSessionItem(argument: unknown): argument is SessionItem {
  return hasKind(argument, "session");
}

export function hasKind(argument: unknown, kind: string): boolean {
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
  await deps.store.load();
  if (typeof argument === "string") return deps.store.run(argument);
  return findInFront(deps, fits) ?? (await pickAmong(deps, fits, question));
}

/** Like {@link pickRun}, of the runs and change sets that have changes to decide. */
export async function pickSubject(
  deps: CommandDeps,
  argument: unknown,
  question: string,
): Promise<ReviewSubject | undefined> {
  const given = findSubject(deps.store, argument);
  if (given) return given;
  if (hasKind(argument, "change")) return undefined;
  await deps.store.load();
  if (typeof argument === "string") return findSubject(deps.store, argument);
  const inFront = findInFront(deps, hasPendingChanges);
  return inFront ? toSubject(inFront, deps.store) : await pickAmongPending(deps.store, question);
}

/** What an item or an id stands for. */
function findSubject(store: RunStore, argument: unknown): ReviewSubject | undefined {
  const id = isRunItem(argument)
    ? argument.run.id
    : isChangeSetItem(argument)
      ? argument.changeSet.id
      : isChangeItem(argument)
        ? argument.subjectId
        : argument;
  if (typeof id !== "string") return undefined;
  const record = store.run(id) ?? store.changeSet(id);
  if (record) return toSubject(record, store);
  if (isRunItem(argument)) return toSubject(argument.run, store);
  return isChangeSetItem(argument) ? toSubject(argument.changeSet, store) : undefined;
}

/** The run of the terminal in front. */
function findInFront(deps: CommandDeps, fits: (run: RunRecord) => boolean): RunRecord | undefined {
  const shown = deps.terminals.runOf(vscode.window.activeTerminal);
  const current = shown && deps.store.run(shown.id);
  return current && fits(current) ? current : undefined;
}

async function pickAmongPending(store: RunStore, question: string): Promise<ReviewSubject | undefined> {
  const roots = openRoots();
  const isHere = ({ workspaceRoot }: { readonly workspaceRoot: string }): boolean => roots.includes(workspaceRoot);
  const items = [
    ...store.changeSets.filter(hasPendingChanges).map((record) => ({ record, description: "" })),
    ...store.runs.filter(hasPendingChanges).map((record) => ({ record, description: describeRun(record) })),
  ]
    .filter(({ record }) => isHere(record))
    .map(({ record, description }) => ({
      label: toSubject(record, store).title,
      description,
      subject: toSubject(record, store),
    }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There are no changes to decide in this workspace."));
  }
  if (items.length <= 1) return items[0]?.subject;
  return (await vscode.window.showQuickPick(items, { placeHolder: question }))?.subject;
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
