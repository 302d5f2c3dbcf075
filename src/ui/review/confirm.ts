import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { ReviewedChange } from "../../sessions/records.ts";
import { openChange } from "./open-review.ts";
import type { ReviewSubject } from "./review-subject.ts";

/** What the user wants done with files that need a word of theirs. */
export interface Consent {
  /** To be written, whatever the disk has. */
  readonly overwrite: readonly string[];
  /** To be dropped: the disk's own stays. */
  readonly keep: readonly string[];
}

const MAX_NAMED = 12;

/** Names, one a line, the first dozen of them. */
export function listPaths(paths: readonly string[]): string {
  const named = paths.slice(0, MAX_NAMED).map((path) => toDisplay(path));
  const rest = paths.length - named.length;
  return [...named, ...(rest > 0 ? [vscode.l10n.t("and {0} more", rest)] : [])].join("\n");
}

/** Asks about files that make tools on this machine act. True to apply them, false to leave them pending; undefined when the user stops. */
export async function confirmProtected(paths: readonly string[], others: number): Promise<boolean | undefined> {
  const withThem = vscode.l10n.t("Apply Them Too");
  const without = vscode.l10n.t("Apply the Others Only");
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t("Some of these files can make tools on this machine act by themselves."),
    { modal: true, detail: vscode.l10n.t("Look at them before you apply them:\n{0}", listPaths(paths)) },
    // The first is what Enter takes.
    ...(others > 0 ? [without, withThem] : [withThem]),
  );
  if (choice === undefined) return undefined;
  return choice === withThem;
}

/** Asks about each file that has changed both here and in the sandbox. Undefined when the user stops. */
export async function confirmConflicts(
  subject: ReviewSubject,
  conflicts: readonly ReviewedChange[],
): Promise<Consent | undefined> {
  const overwrite: string[] = [];
  const keep: string[] = [];
  for (const change of conflicts) {
    const choice = await confirmConflict(subject, change);
    if (choice === undefined) return undefined;
    (choice === "theirs" ? overwrite : keep).push(change.path);
  }
  return { overwrite, keep };
}

async function confirmConflict(subject: ReviewSubject, change: ReviewedChange): Promise<"mine" | "theirs" | undefined> {
  const mine = vscode.l10n.t("Keep Mine");
  const theirs = takeTheirsTitle(subject);
  const diff = vscode.l10n.t("Open Diff");
  const message = toConflictMessage(subject, change);
  const detail = toTakingDetail(subject, change);
  let choice = await vscode.window.showWarningMessage(message, { modal: true, detail }, mine, theirs, diff);
  if (choice === diff) {
    await openChange(subject, change);
    // Not modal: the diff has to be readable while the question stands.
    choice = await vscode.window.showWarningMessage(`${message} ${detail}`, mine, theirs);
  }
  if (choice === mine) return "mine";
  return choice === theirs ? "theirs" : undefined;
}

/** Asks once more before a file that has changed here is replaced. True when the user wants it. */
export async function confirmTaking(subject: ReviewSubject, change: ReviewedChange): Promise<boolean> {
  const theirs = takeTheirsTitle(subject);
  const options = { modal: true, detail: toTakingDetail(subject, change) };
  return (await vscode.window.showWarningMessage(toConflictMessage(subject, change), options, theirs)) === theirs;
}

function takeTheirsTitle({ origin }: ReviewSubject): string {
  return origin === "snapshot" ? vscode.l10n.t("Take the Snapshot's") : vscode.l10n.t("Take the Sandbox's");
}

function toConflictMessage({ origin }: ReviewSubject, { path }: ReviewedChange): string {
  const name = toDisplay(path);
  return origin === "snapshot"
    ? vscode.l10n.t("{0} has changed here since the comparison with the snapshot.", name)
    : vscode.l10n.t("{0} has changed here since the run began.", name);
}

function toTakingDetail({ origin }: ReviewSubject, { theirs }: ReviewedChange): string {
  if (origin === "snapshot") {
    return theirs
      ? vscode.l10n.t("Taking the snapshot's version replaces yours.")
      : vscode.l10n.t("The snapshot does not have it. Taking the snapshot's version deletes yours.");
  }
  return theirs
    ? vscode.l10n.t("Taking the sandbox's version replaces yours.")
    : vscode.l10n.t("The sandbox deleted it. Taking the sandbox's version deletes yours.");
}
