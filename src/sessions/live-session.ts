import type { Sandbox } from "../core/sandbox.ts";
import { createLock, type Lock } from "./lock.ts";
import type { SessionRecord } from "./records.ts";
import type { Mounted } from "./native/describe-mount.ts";
import type { SentFiles } from "./push.ts";
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
  /** Notes that one of its runs has told already: what stays as it is is news once. */
  readonly toldNotes: Set<string>;
  /** Paths that the last scan left out of what was pushed; undefined when that was before this engine. */
  leftOut: readonly string[] | undefined;
  /** True once code goes on in it between runs: its cells' contexts, with threads and processes of theirs. */
  hasContexts: boolean;
  /** True while nothing was ever brought into its sandbox, or run there. */
  isUntouched: boolean;
  /** How a snapshot came into it, until one of its runs has told. */
  arrival: Arrival | undefined;
}

/** What was sent to fill a sandbox, and what it started from. */
interface Arrival {
  readonly sent: SentFiles;
  readonly mounted: Mounted | undefined;
}

/** A session that can be used now, and what people should know of how it came about. */
export interface AcquiredSession {
  readonly session: LiveSession;
  readonly notes: readonly string[];
}

export function createLiveSession(record: SessionRecord, sandbox: Sandbox, files: SessionFiles): LiveSession {
  return {
    record,
    sandbox,
    files,
    lock: createLock(),
    runIds: new Set(),
    extraPaths: new Set(),
    toldNotes: new Set(),
    leftOut: undefined,
    hasContexts: false,
    isUntouched: false,
    arrival: undefined,
  };
}

/** Those of the notes that none of the session's runs has told; from now on they count as told. */
export function takeNews(session: LiveSession, notes: readonly string[]): readonly string[] {
  const news = notes.filter((note) => !session.toldNotes.has(note));
  for (const note of news) session.toldNotes.add(note);
  return news;
}
