import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { registerCommand } from "../register-command.ts";
import { readTarget } from "../target.ts";
import type { CommandDeps } from "./command-deps.ts";
import { openTerminal, rerun, showRun, stopRun } from "./control-run.ts";
import { editIgnoreFile } from "./edit-ignore-file.ts";
import { pickTarget, selectProvider } from "./pick-target.ts";
import { applyChanges, discardChanges, openChangeDiff, openRunLog, reviewChanges } from "./review.ts";
import { runCommand } from "./run-command.ts";
import { runFile, toFileInput } from "./run-file.ts";
import { runSelection } from "./run-selection.ts";
import { destroySession, newSession } from "./sessions.ts";
import { startRun } from "./start-run.ts";

type Handler = (deps: CommandDeps, argument: unknown) => Promise<unknown>;

/** Every command but showLogs, by its id in package.json. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  "sandpiper.runFile": runFile,
  "sandpiper.runSelection": runSelection,
  "sandpiper.runCommand": runCommand,
  "sandpiper.runOn": runOn,
  "sandpiper.rerunLast": (deps) => rerun(deps, undefined),
  "sandpiper.rerun": rerun,
  "sandpiper.stop": stopRun,
  "sandpiper.showRun": showRun,
  "sandpiper.openTerminal": openTerminal,
  "sandpiper.newSession": newSession,
  "sandpiper.destroySession": destroySession,
  "sandpiper.reviewChanges": reviewChanges,
  "sandpiper.applyChanges": applyChanges,
  "sandpiper.applyChange": applyChanges,
  "sandpiper.discardChanges": discardChanges,
  "sandpiper.discardChange": discardChanges,
  "sandpiper.openChange": openChangeDiff,
  "sandpiper.openRunLog": openRunLog,
  "sandpiper.selectProvider": selectProvider,
  "sandpiper.editIgnoreFile": editIgnoreFile,
  "sandpiper.refresh": (deps) => deps.store.load(),
};

/** Registers the commands. */
export function registerCommands(deps: CommandDeps): Disposable {
  const resources = new DisposableStore();
  for (const [id, handler] of Object.entries(HANDLERS)) {
    resources.add(registerCommand(id, deps.logger, (argument) => handler(deps, argument)));
  }
  return resources;
}

async function runOn(deps: CommandDeps, argument: unknown): Promise<unknown> {
  // What is run is settled first: the picker takes the focus off the editor.
  const input = await toFileInput(argument);
  const choice = input && (await pickTarget(deps));
  return choice && startRun(deps, { ...input, target: readTarget(input.folder.uri, choice) });
}
