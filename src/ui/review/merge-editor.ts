import * as vscode from "vscode";
import type { ReviewedChange } from "../../sessions/records.ts";
import { toLocalUri } from "./open-review.ts";
import { type ReviewFiles, toBaseUri, toTheirsUri } from "./review-files.ts";
import type { ReviewSubject } from "./review-subject.ts";

/** VS Code's three-way merge editor. Not documented, but what its own git extension uses, with these arguments. */
const COMMAND = "_open.mergeEditor";

/** Whether the change is one that can be merged by hand: a file that both sides changed. */
function canMerge({ base, theirs, status }: ReviewedChange): boolean {
  return status === "conflict" && base?.type === "file" && theirs?.type === "file";
}

/** Opens both versions with what they come from; the result is written where the file is. False where VS Code cannot. */
export async function openMergeEditor(
  files: ReviewFiles,
  subject: ReviewSubject,
  change: ReviewedChange,
): Promise<boolean> {
  if (!canMerge(change) || !(await vscode.commands.getCommands()).includes(COMMAND)) return false;
  const output = toLocalUri(subject, change.path);
  const here = files.keep(subject, change.path, await vscode.workspace.fs.readFile(output));
  const theirTitle = subject.origin === "snapshot" ? vscode.l10n.t("Snapshot") : vscode.l10n.t("Sandbox");
  await vscode.commands.executeCommand(COMMAND, {
    base: toBaseUri(subject, change.path),
    input1: { uri: toTheirsUri(subject, change.path), title: theirTitle },
    input2: { uri: here, title: vscode.l10n.t("Here") },
    output,
  });
  return true;
}
