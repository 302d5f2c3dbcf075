import * as vscode from "vscode";
import type { ChangeSetRecord } from "../../sessions/snapshot-records.ts";
import { describeFileCount } from "../describe-run.ts";
import { openReview } from "../review/open-review.ts";
import { toSubject } from "../review/review-subject.ts";
import type { CommandDeps } from "./command-deps.ts";

/** Opens a new change set for review and asks what to do with it. Returns without waiting for the answer: it stays in the Runs view. */
export async function presentChangeSet(deps: CommandDeps, changeSet: ChangeSetRecord): Promise<void> {
  deps.store.putChangeSet(changeSet);
  const subject = toSubject(changeSet, deps.store);
  const changes = (await deps.reviewFiles.readChanges(changeSet.id)).filter(({ decision }) => decision === "pending");
  if (changes.length === 0) {
    const same = vscode.l10n.t("{0}: the files here are the same already.", subject.title);
    void vscode.window.showInformationMessage(same);
    return;
  }
  await openReview(subject, changes);
  void ask(changeSet.id, `${subject.title}: ${describeFileCount(changes.length)}.`);
}

async function ask(id: string, message: string): Promise<void> {
  const commands = new Map([
    [vscode.l10n.t("Apply"), "sandpiper.applyChanges"],
    [vscode.l10n.t("Review"), "sandpiper.reviewChanges"],
    [vscode.l10n.t("Discard"), "sandpiper.discardChanges"],
  ]);
  const note = vscode.l10n.t("Nothing is written until you apply it.");
  const choice = await vscode.window.showInformationMessage(`${message} ${note}`, ...commands.keys());
  const command = choice === undefined ? undefined : commands.get(choice);
  if (command) await vscode.commands.executeCommand(command, id);
}
