import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { registerCommand } from "../register-command.ts";
import type { CommandDeps } from "./command-deps.ts";

/** Every command but showLogs, as in package.json. */
const COMMAND_IDS = [
  "sandpiper.runFile",
  "sandpiper.runSelection",
  "sandpiper.runCell",
  "sandpiper.runCellAndAdvance",
  "sandpiper.runCellsAbove",
  "sandpiper.runAllCells",
  "sandpiper.runSelectionInInterpreter",
  "sandpiper.showCellResults",
  "sandpiper.restartContext",
  "sandpiper.runCommand",
  "sandpiper.runOn",
  "sandpiper.rerunLast",
  "sandpiper.rerun",
  "sandpiper.stop",
  "sandpiper.showRun",
  "sandpiper.runOnMany",
  "sandpiper.showBatch",
  "sandpiper.stopBatch",
  "sandpiper.openTerminal",
  "sandpiper.openPort",
  "sandpiper.saveImage",
  "sandpiper.pauseSession",
  "sandpiper.resumeSession",
  "sandpiper.showCosts",
  "sandpiper.newSession",
  "sandpiper.destroySession",
  "sandpiper.forkSession",
  "sandpiper.pullSession",
  "sandpiper.reviewChanges",
  "sandpiper.applyChanges",
  "sandpiper.applyChange",
  "sandpiper.discardChanges",
  "sandpiper.discardChange",
  "sandpiper.keepMine",
  "sandpiper.takeTheirs",
  "sandpiper.mergeChange",
  "sandpiper.openChange",
  "sandpiper.openRunLog",
  "sandpiper.takeSnapshot",
  "sandpiper.importSnapshot",
  "sandpiper.exportSnapshot",
  "sandpiper.renameSnapshot",
  "sandpiper.pinSnapshot",
  "sandpiper.unpinSnapshot",
  "sandpiper.deleteSnapshot",
  "sandpiper.diffWithWorkspace",
  "sandpiper.compareSnapshots",
  "sandpiper.openSnapshotDifference",
  "sandpiper.restoreHere",
  "sandpiper.restoreSession",
  "sandpiper.forkSnapshot",
  "sandpiper.showStorage",
  "sandpiper.selectProvider",
  "sandpiper.selectGpu",
  "sandpiper.selectImage",
  "sandpiper.selectSize",
  "sandpiper.signIn",
  "sandpiper.signOut",
  "sandpiper.previewUpload",
  "sandpiper.refreshUpload",
  "sandpiper.closeUpload",
  "sandpiper.sortUploadBySize",
  "sandpiper.sortUploadByName",
  "sandpiper.runPreviewed",
  "sandpiper.excludeUpload",
  "sandpiper.includeUpload",
  "sandpiper.allowSecret",
  "sandpiper.explainPath",
  "sandpiper.editIgnoreFile",
  "sandpiper.refresh",
] as const;

export type CommandId = (typeof COMMAND_IDS)[number];

/** Registers the commands. What they do is loaded when the first of them is asked for. */
export function registerCommands(deps: CommandDeps): Disposable {
  const resources = new DisposableStore();
  for (const id of COMMAND_IDS) {
    resources.add(
      registerCommand(id, deps.logger, async (argument, selection) => {
        const { HANDLERS } = await import("./command-handlers.ts");
        return await HANDLERS[id](deps, argument, selection);
      }),
    );
  }
  return resources;
}
