import type { Sandbox } from "../core/sandbox.ts";
import { createLock, type Lock } from "./lock.ts";
import type { SessionRecord } from "./records.ts";
import type { SessionFiles } from "./session-files.ts";

/** A session whose sandbox this engine holds. */
export interface LiveSession {
  record: SessionRecord;
  readonly sandbox: Sandbox;
  readonly files: SessionFiles;
  /** Held while `files` is changed or compared with the sandbox. */
  readonly lock: Lock;
  /** Runs that use it now. */
  readonly runIds: Set<string>;
  /** Files that are in the sandbox for a run alone and not part of the workspace. */
  readonly extraPaths: Set<string>;
}

export function createLiveSession(record: SessionRecord, sandbox: Sandbox, files: SessionFiles): LiveSession {
  return { record, sandbox, files, lock: createLock(), runIds: new Set(), extraPaths: new Set() };
}
