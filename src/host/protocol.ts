import type { ErrorCode } from "../core/sandbox-error.ts";
import type { EngineEvent } from "../sessions/engine.ts";

/*
 * What an engine and its clients say to each other: JSON, one frame per line, UTF-8, over a unix socket (a named pipe on
 * Windows) that only the user can open. The client says hello first and the engine answers; then requests go one way,
 * responses and events the other, in any order. Bytes travel as base64. Output is not carried at all: clients read the
 * run's log from the disk, as far as events tell them.
 */

/** Raised when a frame changes its meaning; it is part of the socket's name, so that different ones never meet. */
export const PROTOCOL_VERSION = 1;

/** A frame that is longer ends the connection. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** A method of the engine, by name; `retire` asks it to end as soon as nothing goes on. */
export const METHODS = [
  "startRun",
  "writeInput",
  "closeInput",
  "resizeRun",
  "stopRun",
  "startSession",
  "destroySession",
  "listRuns",
  "listSessions",
  "readChanges",
  "applyChanges",
  "discardChanges",
  "checkTarget",
  "listSnapshots",
  "takeSnapshot",
  "listSnapshotFiles",
  "diffSnapshots",
  "updateSnapshot",
  "deleteSnapshot",
  "exportSnapshot",
  "importSnapshot",
  "restoreWorkspace",
  "restoreSession",
  "forkSession",
  "findSecrets",
  "listChangeSets",
  "pullSession",
  "previewUpload",
  "allowSecrets",
  "readStorage",
  "setRetention",
  "setCredential",
  "listGpus",
  "estimateRate",
  "readCosts",
  "setCostPolicy",
  "setWarmPool",
  "startBatch",
  "stopBatch",
  "listBatches",
  "openPort",
  "saveImage",
  "pauseSession",
  "resumeSession",
  "listContexts",
  "restartContext",
  "listImages",
  "retire",
] as const;
export type Method = (typeof METHODS)[number];

export interface Hello {
  readonly type: "hello";
  readonly protocol: number;
  /** Of Sandpiper, for people and for {@link Method} `retire`. */
  readonly version: string;
  /** "editor", "cli", "engine". */
  readonly role: string;
  readonly pid: number;
}

export interface Request {
  readonly type: "request";
  /** Unique within the connection. */
  readonly id: number;
  readonly method: Method;
  readonly params: readonly unknown[];
}

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
}

type Response =
  | { readonly type: "response"; readonly id: number; readonly result: unknown }
  | { readonly type: "response"; readonly id: number; readonly error: WireError };

/** Something was wrong with a frame that could not be told which request it was. */
interface Complaint {
  readonly type: "complaint";
  readonly message: string;
}

interface EventFrame {
  readonly type: "event";
  readonly event: EngineEvent;
}

export type Frame = Hello | Request | Response | Complaint | EventFrame;
