import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { ReviewedChange } from "../../sessions/records.ts";
import { confirmConflicts, confirmProtected, confirmTaking, listPaths } from "../review/confirm.ts";
import { openMergeEditor } from "../review/merge-editor.ts";
import { openChange, openReview, refreshReview, toLocalUri } from "../review/open-review.ts";
import { MAX_SHOWN_BYTES, toLogUri } from "../review/review-files.ts";
import type { ReviewSubject } from "../review/review-subject.ts";
import { EditorError } from "../show-error.ts";
import { requireTrust } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { type ChangeItem, isChangeItem, pickRun, pickSubject } from "./pick-run.ts";

/** Opens the undecided changes of a run or a change set in one editor; those that are decided when there are no others. */
export async function reviewChanges(deps: CommandDeps, argument: unknown): Promise<void> {
  const subject = await pickSubject(deps, argument, vscode.l10n.t("Review which changes?"));
  if (!subject) return;
  const changes = await deps.reviewFiles.readChanges(subject.id);
  const pending = changes.filter(isPending);
  if (changes.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("{0} changed no files.", subject.title));
    return;
  }
  await openReview(subject, pending.length > 0 ? pending : changes);
}

/** Writes all changes, or the one of the argument, into the workspace; asks about conflicts and protected files. */
export async function applyChanges(deps: CommandDeps, argument: unknown): Promise<void> {
  requireTrust();
  const subject = await pickSubject(deps, argument, vscode.l10n.t("Apply which changes?"));
  if (!subject) return;
  const changes = await readChosen(deps, subject, argument);
  if (!(await saveUnsaved(subject, changes))) return;
  const plan = await askAbout(subject, await readChosen(deps, subject, argument));
  if (!plan) return;
  await carryOut(deps, subject, plan);
  await refresh(deps, subject);
}

/** Leaves the workspace as it is and forgets all changes, or the one of the argument. */
export async function discardChanges(deps: CommandDeps, argument: unknown): Promise<void> {
  const subject = await pickSubject(deps, argument, vscode.l10n.t("Discard which changes?"));
  if (!subject) return;
  const changes = await readChosen(deps, subject, argument);
  const paths = changes.map((change) => change.path);
  const discard = vscode.l10n.t("Discard");
  const choice =
    isChangeItem(argument) ||
    (await vscode.window.showWarningMessage(
      toDiscardQuestion(subject),
      { modal: true, detail: listPaths(paths) },
      discard,
    ));
  if (!choice) return;
  await (await deps.link.get()).discardChanges(subject.id, paths);
  await refresh(deps, subject);
}

/** Replaces a file that has changed here by the other version of it. */
export async function takeTheirs(deps: CommandDeps, argument: unknown): Promise<void> {
  requireTrust();
  if (!isChangeItem(argument)) return;
  const subject = await pickSubject(deps, argument, "");
  if (!subject) return;
  const changes = await readChosen(deps, subject, argument);
  if (!(await saveUnsaved(subject, changes))) return;
  const [change] = await readChosen(deps, subject, argument);
  if (!change || !(await confirmTaking(subject, change))) return;
  await carryOut(deps, subject, { paths: [change.path], overwrite: [change.path], keep: [] });
  await refresh(deps, subject);
}

/** Opens a file that both sides have changed for merging by hand, and asks whether the result is to stay. */
export async function mergeChange(deps: CommandDeps, argument: unknown): Promise<void> {
  requireTrust();
  if (!isChangeItem(argument)) return;
  const subject = await pickSubject(deps, argument, "");
  if (!subject) return;
  const { change } = argument;
  if (await openMergeEditor(deps.reviewFiles, subject, change)) void offerResult(argument);
  else await openChange(subject, change);
}

/** What is merged is the file here, so that keeping mine is to keep it. */
async function offerResult(item: ChangeItem): Promise<void> {
  const keep = vscode.l10n.t("Keep the Result");
  const name = toDisplay(item.change.path);
  const message = vscode.l10n.t("Merge {0} in the editor. When it is saved, keep the result.", name);
  if ((await vscode.window.showInformationMessage(message, keep)) === keep) {
    await vscode.commands.executeCommand("sandpiper.keepMine", item);
  }
}

/** Opens the diff of one file. */
export async function openChangeDiff(deps: CommandDeps, argument: unknown): Promise<void> {
  if (!isChangeItem(argument)) return;
  const subject = await pickSubject(deps, argument, "");
  if (subject) await openChange(subject, argument.change);
}

/** Opens the run's whole output in an editor. */
export async function openRunLog(deps: CommandDeps, argument: unknown): Promise<void> {
  const run = await pickRun(deps, argument, () => true, vscode.l10n.t("Open which run's output?"));
  if (!run) return;
  const uri = toLogUri(run);
  const { size } = await vscode.workspace.fs.stat(uri);
  if (size <= MAX_SHOWN_BYTES) await vscode.commands.executeCommand("vscode.open", uri);
  else await offerLogFile(deps.reviewFiles.logFileOf(run.id), size);
}

/** A log that no editor opens is still of use to other programs. */
async function offerLogFile(file: string, sizeBytes: number): Promise<void> {
  const mebibytes = Math.round(sizeBytes / 1024 / 1024);
  const message = vscode.l10n.t(
    "The output is {0} MiB, more than an editor shows. It is in the file {1}.",
    mebibytes,
    file,
  );
  const copy = vscode.l10n.t("Copy Path");
  if ((await vscode.window.showInformationMessage(message, copy)) === copy) await vscode.env.clipboard.writeText(file);
}

function toDiscardQuestion({ origin, title }: ReviewSubject): string {
  return origin === "snapshot"
    ? vscode.l10n.t("Discard {0}?", title)
    : vscode.l10n.t("Discard what {0} changed?", title);
}

async function refresh(deps: CommandDeps, subject: ReviewSubject): Promise<void> {
  await refreshReview(subject, (await deps.reviewFiles.readChanges(subject.id)).filter(isPending));
}

function isPending(change: ReviewedChange): boolean {
  return change.decision === "pending";
}

async function readChosen(
  deps: CommandDeps,
  subject: ReviewSubject,
  argument: unknown,
): Promise<readonly ReviewedChange[]> {
  const pending = (await deps.reviewFiles.readChanges(subject.id)).filter(isPending);
  const chosen = isChangeItem(argument) ? pending.filter(({ path }) => path === argument.change.path) : pending;
  if (chosen.length > 0) return chosen;
  throw new EditorError("not-found", vscode.l10n.t("Nothing of {0} is left to decide.", subject.title), []);
}

/** Text on screen that is not on disk would be lost or would hide what is applied. False when the user stops. */
async function saveUnsaved(subject: ReviewSubject, changes: readonly ReviewedChange[]): Promise<boolean> {
  const uris = new Set(changes.map((change) => toLocalUri(subject, change.path).toString()));
  const unsaved = vscode.workspace.textDocuments.filter(({ isDirty, uri }) => isDirty && uris.has(uri.toString()));
  if (unsaved.length === 0) return true;
  const save = vscode.l10n.t("Save and Go On");
  const detail = listPaths(unsaved.map(({ uri }) => vscode.workspace.asRelativePath(uri)));
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t("Some of these files have changes on screen that are not saved."),
    { modal: true, detail },
    save,
  );
  if (choice !== save) return false;
  for (const document of unsaved) await document.save();
  return true;
}

interface ApplyPlan {
  readonly paths: readonly string[];
  readonly overwrite: readonly string[];
  readonly keep: readonly string[];
}

async function askAbout(subject: ReviewSubject, changes: readonly ReviewedChange[]): Promise<ApplyPlan | undefined> {
  const guarded = changes.filter((change) => change.isProtected).map((change) => change.path);
  const takesGuarded = guarded.length === 0 || (await confirmProtected(guarded, changes.length - guarded.length));
  if (takesGuarded === undefined) return undefined;
  const wanted = changes.filter((change) => takesGuarded || !change.isProtected);
  const consent = await confirmConflicts(
    subject,
    wanted.filter((change) => change.status === "conflict"),
  );
  if (!consent) return undefined;
  const paths = wanted.map((change) => change.path).filter((path) => !consent.keep.includes(path));
  return { paths, ...consent };
}

async function carryOut(deps: CommandDeps, subject: ReviewSubject, plan: ApplyPlan): Promise<void> {
  const engine = await deps.link.get();
  if (plan.keep.length > 0) await engine.discardChanges(subject.id, plan.keep);
  if (plan.paths.length === 0) return;
  const result = await engine.applyChanges(subject.id, plan.paths, plan.overwrite);
  report(subject, result.applied, [...result.conflicts, ...result.held]);
}

function report(subject: ReviewSubject, applied: readonly string[], left: readonly string[]): void {
  if (left.length > 0) {
    const names = left.map((path) => toDisplay(path)).join(", ");
    void vscode.window.showWarningMessage(vscode.l10n.t("Left alone, because they changed meanwhile: {0}", names));
  }
  const message =
    applied.length === 1
      ? vscode.l10n.t("1 file of {0} applied.", subject.title)
      : vscode.l10n.t("{0} files of {1} applied.", applied.length, subject.title);
  if (applied.length > 0) vscode.window.setStatusBarMessage(`$(check) ${message}`, 5000);
}
