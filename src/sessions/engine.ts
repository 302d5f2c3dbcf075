import type { Disposable } from "../core/disposable-store.ts";
import type { Event } from "../core/event.ts";
import type { TerminalSize } from "../core/sandbox.ts";
import type { CloudEngine } from "./cloud-engine.ts";
import type { BatchRecord, CostReport } from "./cloud-records.ts";
import type { ReviewedChange, RunRecord, RunRequest, SessionRecord, Target } from "./records.ts";
import type { SnapshotEngine } from "./snapshot-engine.ts";
import type { ChangeSetRecord, SnapshotRecord } from "./snapshot-records.ts";

/** What changed in the engine. Records are whole and new. */
export type EngineEvent =
  | { readonly type: "run"; readonly run: RunRecord }
  | { readonly type: "session"; readonly session: SessionRecord }
  | { readonly type: "snapshot"; readonly snapshot: SnapshotRecord }
  | { readonly type: "snapshot-deleted"; readonly snapshotId: string }
  | { readonly type: "change-set"; readonly changeSet: ChangeSetRecord }
  | { readonly type: "batch"; readonly batch: BatchRecord }
  | { readonly type: "costs"; readonly costs: CostReport }
  /** The file with what a cell shows (`toResultsFile`) can now be read up to `sizeBytes`. */
  | { readonly type: "results"; readonly runId: string; readonly sizeBytes: number }
  /** The run's log can now be read up to `sizeBytes`. */
  | { readonly type: "output"; readonly runId: string; readonly sizeBytes: number };

/** Which changes to decide: all that are pending, or the named ones. */
export type PathSelection = "all" | readonly string[];

/** What `applyChanges` did with each path. */
export interface ApplyResult {
  readonly applied: readonly string[];
  /** Those of `applied` where both sides' edits were brought together. */
  readonly merged: readonly string[];
  /** Changed here since the run started; the disk was left alone. */
  readonly conflicts: readonly string[];
  /** Protected and not named. */
  readonly held: readonly string[];
}

/**
 * The one owner of sessions and runs. Doors (editor, CLI, agents) reach it in its own process through `host/`, so that
 * a run outlives a window. Every method may throw {@link SandboxError}.
 */
export interface Engine extends Disposable, SnapshotEngine, CloudEngine {
  readonly onDidChange: Event<EngineEvent>;
  /** Resolves once the run is on record; what follows is told by events. Bad requests reject before anything is made. */
  startRun(request: RunRequest): Promise<RunRecord>;
  /** Raw bytes for the command's stdin. */
  writeInput(runId: string, data: Uint8Array): Promise<void>;
  closeInput(runId: string): Promise<void>;
  resizeRun(runId: string, size: TerminalSize): Promise<void>;
  /** INT, then TERM after 2 s, then KILL after 2 s more; `force` goes straight to KILL. Resolves when the run has ended. */
  stopRun(runId: string, force: boolean): Promise<void>;
  /** A new session even when a warm one exists; later runs on the same target use it. */
  startSession(workspaceRoot: string, target: Target): Promise<SessionRecord>;
  /** Ends its runs and its sandbox. Idempotent. */
  destroySession(sessionId: string): Promise<void>;
  /** Newest first. */
  listRuns(): Promise<readonly RunRecord[]>;
  /** Newest first; ended ones too. */
  listSessions(): Promise<readonly SessionRecord[]>;
  /** Against the disk as it is now, in path order. Here and below a change set's id stands for a run's as well. */
  readChanges(runId: string): Promise<readonly ReviewedChange[]>;
  /**
   * Writes into the workspace. A conflict is overwritten only when its path is in `overwrite`; a merge that is named
   * there is overwritten too.
   */
  applyChanges(runId: string, paths: PathSelection, overwrite: readonly string[]): Promise<ApplyResult>;
  /** Leaves the workspace alone; the sandbox gets the workspace's version back at the next run. */
  discardChanges(runId: string, paths: PathSelection): Promise<void>;
  /** Resolves when the target's provider could run something now. @throws {SandboxError} with the remedy. */
  checkTarget(target: Target): Promise<void>;
}
