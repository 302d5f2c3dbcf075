import * as vscode from "vscode";
import type { BlockedUpload } from "../../sessions/records.ts";
import { changeIgnoreFile } from "../ignore/change-ignore-file.ts";
import type { RunInput } from "../run-request.ts";
import { openSettings } from "../show-error.ts";
import { type BlockedDecision, decideBlocked } from "../upload/decide-blocked.ts";
import { toUpload } from "../upload/to-upload.ts";
import type { CommandDeps } from "./command-deps.ts";
import { rootOf } from "../workspace-folder.ts";

/** Starts the run again, with what was decided. */
export type StartAgain = (input: RunInput) => Promise<unknown>;

/** Lets the user decide about what holds a run back, does it, and starts the run again. */
export async function resolveBlocked(
  deps: CommandDeps,
  input: RunInput,
  blocked: BlockedUpload,
  startAgain: StartAgain,
): Promise<void> {
  const decision = await decideBlocked(blocked, input.folder.uri);
  if (decision && (await carryOut(deps, input, decision))) {
    const isOnce = decision.kind === "allow-once";
    const allowedSecrets = [...(input.allowedSecrets ?? []), ...(isOnce ? decision.fingerprints : [])];
    await startAgain({ ...input, allowedSecrets });
  }
}

/** @returns whether the run can start again */
async function carryOut(deps: CommandDeps, input: RunInput, decision: BlockedDecision): Promise<boolean> {
  switch (decision.kind) {
    case "allow-once":
      return true;
    case "allow-always": {
      const engine = await deps.link.get();
      await engine.allowSecrets(rootOf(input.folder), decision.fingerprints);
      return true;
    }
    case "exclude":
      return await exclude(input, decision.paths);
    case "preview":
      await deps.uploadView.show(toUpload(input), input);
      return false;
    case "raise-limit":
      return await raiseLimit();
  }
}

async function exclude({ folder, command }: RunInput, paths: readonly string[]): Promise<boolean> {
  const changes = paths.map((path) => ({
    path: path.replace(/\/$/, ""),
    isFolder: path.endsWith("/"),
    verdict: "exclude" as const,
  }));
  await changeIgnoreFile(folder, changes);
  const isOwn = command.kind === "file" && paths.some((path) => isAtOrBelow(command.path, path));
  if (isOwn)
    void vscode.window.showInformationMessage(vscode.l10n.t("{0} is excluded now, so it was not run.", command.path));
  return !isOwn;
}

async function raiseLimit(): Promise<boolean> {
  const { command, args = [] } = openSettings("sandpiper.sync.maxUploadMiB");
  await vscode.commands.executeCommand(command, ...args);
  const again = vscode.l10n.t("Run Again");
  const message = vscode.l10n.t("Raise the limit, then run again.");
  return (await vscode.window.showInformationMessage(message, again)) === again;
}

/** Folders end in "/". */
function isAtOrBelow(path: string, place: string): boolean {
  return path === place || (place.endsWith("/") && path.startsWith(place));
}
