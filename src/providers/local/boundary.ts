import type { Readable, Writable } from "node:stream";
import type { Command, ProcessSignal, TerminalSize } from "../../core/sandbox.ts";

/** A checked command: an absolute folder in the sandbox, and the whole environment but PATH. */
export interface FullCommand extends Command {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A started, supervised command, seen from the host. */
export interface Run {
  readonly nonce: string;
  /** Of the host's process that ends with the run. */
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when that process has gone. */
  readonly gone: Promise<void>;
  /** Asks the supervisor to signal the command or to resize its terminal. */
  tell(request: ProcessSignal | TerminalSize): Promise<void>;
  /** Ends everything of it at once, whatever the supervisor does. */
  kill(): void;
  dispose(): void;
}

/** What isolates the commands of one sandbox. */
export interface Boundary {
  /** Whether the sandbox has perl, without which there are no terminals. */
  readonly hasPerl: boolean;
  start(command: FullCommand): Promise<Run>;
  /** Ends what is left and frees what the boundary holds. Idempotent. */
  remove(): Promise<void>;
}
