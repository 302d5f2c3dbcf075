import * as vscode from "vscode";
import type { RunRecord } from "../../sessions/records.ts";
import { titleOf } from "../describe-run.ts";
import { withProgress } from "../register-command.ts";
import { isLive } from "../run-store.ts";
import { EditorError } from "../show-error.ts";
import type { CommandDeps } from "./command-deps.ts";
import { isRunItem, isSessionItem, pickRun } from "./pick-run.ts";
import { startRun } from "./start-run.ts";
import { findFolder, openRoots, pickFolder } from "../workspace-folder.ts";

/** How long each step of stopping takes in the engine. */
const GRACE_MS = 2_000;

/** Asks the run to end; the second time, or when it does not end, kills it. Resolves when it has ended. */
export async function stopRun(deps: CommandDeps, argument: unknown): Promise<void> {
  const run = await pickRun(deps, argument, isLive, vscode.l10n.t("Stop which run?"));
  if (!run || !isLive(run)) return;
  const engine = await deps.link.get();
  if (run.state === "stopping") return engine.stopRun(run.id, true);
  await withProgress(vscode.l10n.t("Stopping {0}", titleOf(run)), async (signal, report) => {
    report(vscode.l10n.t("interrupted; stop it again to kill it"));
    const steps = [
      setTimeout(() => report(vscode.l10n.t("it did not heed the interrupt: told to terminate")), GRACE_MS),
      setTimeout(() => report(vscode.l10n.t("it did not terminate: killed")), 2 * GRACE_MS),
    ];
    signal.addEventListener("abort", () => steps.forEach(clearTimeout), { once: true });
    try {
      await engine.stopRun(run.id, false);
    } finally {
      steps.forEach(clearTimeout);
    }
  });
}

/** Brings the run's terminal, or the results of its cell, to the front. */
export async function showRun(deps: CommandDeps, argument: unknown): Promise<void> {
  const run = await pickRun(deps, argument, () => true, vscode.l10n.t("Show which run?"));
  if (run?.command.kind === "cell") (await deps.cells.desk()).panels.show(run, false);
  else if (run) await deps.terminals.show(run, false);
}

/** Runs the item's run again where it ran, or else this workspace's last run by the settings as they are now. */
export async function rerun(deps: CommandDeps, argument: unknown): Promise<RunRecord | undefined> {
  await deps.store.load();
  const isChosen = isRunItem(argument) || typeof argument === "string";
  const last = isChosen ? await pickRun(deps, argument, () => true, "") : lastRun(deps);
  if (!last) {
    throw new EditorError("not-found", vscode.l10n.t("Nothing has run in this workspace yet."), [
      { title: vscode.l10n.t("Run File"), command: "sandpiper.runFile" },
    ]);
  }
  const folder = findFolder(last.workspaceRoot);
  if (!folder) {
    throw new EditorError(
      "not-found",
      vscode.l10n.t("The folder {0} of that run is not open here.", last.workspaceRoot),
      [],
    );
  }
  const hasOwnTitle = last.command.kind === "code" || last.command.kind === "cell";
  const title = hasOwnTitle ? { title: last.title } : {};
  return startRun(deps, { folder, command: last.command, ...title, ...(isChosen ? { target: last.target } : {}) });
}

/** Opens a shell in the sandbox that runs of this folder use, or in the item's. */
export async function openTerminal(deps: CommandDeps, argument: unknown): Promise<RunRecord | undefined> {
  const session = isSessionItem(argument) ? argument.session : undefined;
  const folder = session ? findFolder(session.workspaceRoot) : await pickFolder();
  if (!folder) return undefined;
  return startRun(deps, { folder, command: { kind: "shell" }, ...(session ? { target: session.target } : {}) });
}

function lastRun(deps: CommandDeps): RunRecord | undefined {
  const roots = openRoots();
  return deps.store.runs.find((run) => roots.includes(run.workspaceRoot) && run.command.kind !== "shell");
}
