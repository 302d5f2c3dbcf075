import type { Readable, Writable } from "node:stream";
import type { Call } from "../../core/call.ts";
import type { Command, ProcessSignal, TerminalSize } from "../../core/sandbox.ts";
import type { SandboxRecord } from "./sandbox-record.ts";

/** A checked command: an absolute folder in the sandbox, and the whole environment but PATH. */
export interface FullCommand extends Command {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Absolute folders as commands in the sandbox see them; the private one is for staging, beside the workspace. */
export interface Places {
  readonly home: string;
  readonly workspace: string;
  readonly private: string;
}

/** A started, supervised command, seen from the host. */
export interface Run {
  readonly nonce: string;
  /** Of the host's process whose end is the run's; left out where `Boundary.remove` ends what is left without it. */
  readonly pid?: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when that process has gone. */
  readonly gone: Promise<void>;
  /** Asks the supervisor to signal the command or to resize its terminal. */
  tell(request: ProcessSignal | TerminalSize): Promise<void>;
  /** Ends everything of it at once, whatever the supervisor does. */
  kill(): void;
  /** Why the boundary itself ended it, when it did. */
  whyEnded?(): Promise<string | undefined>;
  dispose(): void;
}

/** What a machine offers to isolate sandboxes with. */
export interface Isolation {
  /** Makes what a new sandbox has besides its record, which comes into `folder`. Leaves nothing elsewhere on failure. */
  prepare(record: SandboxRecord, folder: string, call: Call): Promise<void>;
  open(record: SandboxRecord, folder: string): Boundary;
}

/** For boundaries whose terminals are made by perl. */
export const WHY_NO_TERMINAL =
  "A terminal in a local sandbox needs perl in /usr/bin. Install perl, or run without a terminal.";

/** What isolates the commands of one sandbox. */
export interface Boundary {
  readonly places: Places;
  /** What to tell whoever asks for a terminal; left out where there are terminals. */
  readonly whyNoTerminal?: string;
  /** The host's folder whose size is to be watched; left out where the boundary watches by itself. */
  readonly watchedFolder?: string;
  start(command: FullCommand): Promise<Run>;
  /** Ends what is left and frees what the boundary holds. Idempotent. */
  remove(): Promise<void>;
}
