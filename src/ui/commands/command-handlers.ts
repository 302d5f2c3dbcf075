import { restartContext } from "../cells/restart-context.ts";
import { runCellAndAdvance, runCells, runSelectionInInterpreter, showCellResults } from "../cells/run-cells.ts";
import { readTarget } from "../target.ts";
import { compareSnapshots, diffWithWorkspace, openSnapshotDifference } from "./compare-snapshots.ts";
import type { CommandDeps } from "./command-deps.ts";
import type { CommandId } from "./register-commands.ts";
import { openTerminal, rerun, showRun, stopRun } from "./control-run.ts";
import { showBatch, stopBatch } from "./control-batch.ts";
import { editIgnoreFile } from "./edit-ignore-file.ts";
import { explainPath } from "./explain-path.ts";
import { openPort } from "./open-port.ts";
import { pauseSession, resumeSession } from "./pause-session.ts";
import { selectGpu } from "./pick-gpu.ts";
import { selectImage } from "./pick-image.ts";
import { selectSize } from "./pick-size.ts";
import { pickTarget, selectProvider } from "./pick-target.ts";
import { allowSecret, excludeUpload, includeUpload, previewUpload, runPreviewed } from "./preview-upload.ts";
import { forkSnapshot, restoreHere, restoreSession } from "./restore.ts";
import {
  applyChanges,
  discardChanges,
  mergeChange,
  openChangeDiff,
  openRunLog,
  reviewChanges,
  takeTheirs,
} from "./review.ts";
import { runCommand } from "./run-command.ts";
import { runFile, toFileInput } from "./run-file.ts";
import { runOnMany } from "./run-on-many.ts";
import { runSelection } from "./run-selection.ts";
import { saveImage } from "./save-image.ts";
import { signIn, signOut } from "./sign-in.ts";
import { destroySession, forkSession, newSession, pullSession } from "./sessions.ts";
import {
  deleteSnapshot,
  exportSnapshot,
  importSnapshot,
  pinSnapshot,
  renameSnapshot,
  showStorage,
  takeSnapshot,
  unpinSnapshot,
} from "./snapshots.ts";
import { showCosts } from "./show-costs.ts";
import { startRun } from "./start-run.ts";

type Handler = (deps: CommandDeps, argument: unknown, selection: unknown) => Promise<unknown>;

/** What each command does. */
export const HANDLERS: Readonly<Record<CommandId, Handler>> = {
  "sandpiper.runFile": (deps, argument) => runFile(deps, argument),
  "sandpiper.runSelection": runSelection,
  "sandpiper.runCell": (deps, uri, line) => runCells(deps, uri, line, "at"),
  "sandpiper.runCellAndAdvance": runCellAndAdvance,
  "sandpiper.runCellsAbove": (deps, uri, line) => runCells(deps, uri, line, "above"),
  "sandpiper.runAllCells": (deps, uri, line) => runCells(deps, uri, line, "all"),
  "sandpiper.runSelectionInInterpreter": runSelectionInInterpreter,
  "sandpiper.showCellResults": showCellResults,
  "sandpiper.restartContext": restartContext,
  "sandpiper.runCommand": runCommand,
  "sandpiper.runOn": runOn,
  "sandpiper.rerunLast": (deps) => rerun(deps, undefined),
  "sandpiper.rerun": rerun,
  "sandpiper.stop": stopRun,
  "sandpiper.showRun": showRun,
  "sandpiper.runOnMany": runOnMany,
  "sandpiper.showBatch": showBatch,
  "sandpiper.stopBatch": stopBatch,
  "sandpiper.openTerminal": openTerminal,
  "sandpiper.openPort": openPort,
  "sandpiper.saveImage": saveImage,
  "sandpiper.pauseSession": pauseSession,
  "sandpiper.resumeSession": resumeSession,
  "sandpiper.showCosts": showCosts,
  "sandpiper.newSession": newSession,
  "sandpiper.destroySession": destroySession,
  "sandpiper.forkSession": forkSession,
  "sandpiper.pullSession": pullSession,
  "sandpiper.reviewChanges": reviewChanges,
  "sandpiper.applyChanges": applyChanges,
  "sandpiper.applyChange": applyChanges,
  "sandpiper.discardChanges": discardChanges,
  "sandpiper.discardChange": discardChanges,
  "sandpiper.keepMine": discardChanges,
  "sandpiper.takeTheirs": takeTheirs,
  "sandpiper.mergeChange": mergeChange,
  "sandpiper.openChange": openChangeDiff,
  "sandpiper.openRunLog": openRunLog,
  "sandpiper.takeSnapshot": takeSnapshot,
  "sandpiper.importSnapshot": importSnapshot,
  "sandpiper.exportSnapshot": exportSnapshot,
  "sandpiper.renameSnapshot": renameSnapshot,
  "sandpiper.pinSnapshot": pinSnapshot,
  "sandpiper.unpinSnapshot": unpinSnapshot,
  "sandpiper.deleteSnapshot": deleteSnapshot,
  "sandpiper.diffWithWorkspace": diffWithWorkspace,
  "sandpiper.compareSnapshots": compareSnapshots,
  "sandpiper.openSnapshotDifference": openSnapshotDifference,
  "sandpiper.restoreHere": restoreHere,
  "sandpiper.restoreSession": restoreSession,
  "sandpiper.forkSnapshot": forkSnapshot,
  "sandpiper.showStorage": showStorage,
  "sandpiper.selectProvider": selectProvider,
  "sandpiper.selectGpu": selectGpu,
  "sandpiper.selectImage": selectImage,
  "sandpiper.selectSize": selectSize,
  "sandpiper.signIn": signIn,
  "sandpiper.signOut": signOut,
  "sandpiper.previewUpload": previewUpload,
  "sandpiper.refreshUpload": ({ uploadView }) => uploadView.refresh(),
  "sandpiper.closeUpload": ({ uploadView }) => uploadView.close(),
  "sandpiper.sortUploadBySize": ({ uploadView }) => uploadView.sort("size"),
  "sandpiper.sortUploadByName": ({ uploadView }) => uploadView.sort("name"),
  "sandpiper.runPreviewed": runPreviewed,
  "sandpiper.excludeUpload": excludeUpload,
  "sandpiper.includeUpload": includeUpload,
  "sandpiper.allowSecret": allowSecret,
  "sandpiper.explainPath": explainPath,
  "sandpiper.editIgnoreFile": editIgnoreFile,
  "sandpiper.refresh": (deps) => deps.store.load(),
};

async function runOn(deps: CommandDeps, argument: unknown): Promise<unknown> {
  // What is run is settled first: the picker takes the focus off the editor.
  const input = await toFileInput(argument);
  const choice = input && (await pickTarget(deps));
  return choice && startRun(deps, { ...input, target: readTarget(input.folder.uri, choice) });
}
