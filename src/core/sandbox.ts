import type { Call } from "./call.ts";
import type { Interpreter } from "./interpreter.ts";

/** Columns and rows of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A command to run in a sandbox. */
export interface Command {
  /** Program and arguments; never seen by a shell. */
  readonly argv: readonly string[];
  /** Relative to the workspace, POSIX; the workspace itself when left out. */
  readonly cwd?: string;
  /** On top of the sandbox's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** With a size the command gets a terminal: stdout and stderr then arrive merged as stdout. */
  readonly pty?: TerminalSize;
}

/**
 * How a process ended. A non-zero code is a result, not an error. `lost` means that nobody can tell: the sandbox died
 * or was destroyed, or the connection to it was cut for good.
 */
export type ExitStatus =
  | { readonly kind: "exited"; readonly code: number }
  /** Name as in signal(7), with the prefix: "SIGKILL". */
  | { readonly kind: "signaled"; readonly signal: string }
  | { readonly kind: "lost"; readonly reason: string };

export type ProcessSignal = "INT" | "TERM" | "KILL";

/**
 * A running command. Both streams have to be read at the same time: output that nobody reads holds the process back.
 * They are single-use, byte-exact, ordered per stream, and end before `exit` resolves or with it.
 */
export interface Process {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. Writing to a process that has ended does nothing. */
  write(data: Uint8Array): Promise<void>;
  closeStdin(): Promise<void>;
  /** Signals the whole process group. Does nothing once the process has ended. */
  signal(name: ProcessSignal): Promise<void>;
  /** Does nothing without a terminal. */
  resize(size: TerminalSize): Promise<void>;
  /** Never rejects. */
  readonly exit: Promise<ExitStatus>;
}

/** Changes to bring into a workspace. */
export interface Delta {
  /** Removed first, whatever they are (folders with all in them). Safe paths, see `whyUnsafePath`. */
  readonly deletes: readonly string[];
  /** A POSIX ustar/pax archive of files, folders and symbolic links to write over what is there; may be empty. */
  readonly tar?: AsyncIterable<Uint8Array>;
}

/** What a workspace holds now. */
export interface WorkspaceListing {
  /** Every path but the workspace itself, in no order; folders included. */
  readonly paths: readonly string[];
  /** Those of `paths` whose content, mode or place may have changed since the last `apply`; may hold too many, never too few. */
  readonly touched: readonly string[];
}

/** Something that a provider keeps for us. */
export interface SavedState {
  /** The provider's own. */
  readonly id: string;
  /** When the provider forgets it; kept until it is deleted when left out. */
  readonly expiresAt?: Date;
}

/** The provider's own way to keep a workspace and bring it back without sending it. */
export interface DirectorySnapshots {
  /** Keeps the workspace as it is, for `ttlMs` (whole seconds). Nothing may be changing it meanwhile. */
  save(ttlMs: number, call: Call): Promise<SavedState>;
  /**
   * Makes the workspace what was saved, in this or an earlier sandbox. Only in a sandbox to which nothing was brought yet.
   * @throws {SandboxError} `not-found` when it has expired
   */
  mount(id: string, call: Call): Promise<void>;
}

/** Keeps the whole file system as an image, whose id a later spec can name as its `image`. */
export interface Images {
  save(ttlMs: number, call: Call): Promise<SavedState>;
}

/** Where a port of a sandbox can be reached from outside. */
export interface PortAddress {
  readonly url: string;
  /** To be sent as a bearer, unless {@link tokenHeader} says otherwise; missing when the address alone lets everybody in. It is a secret. */
  readonly token?: string;
  /** The name of the header that takes the token as it is, in lower case. */
  readonly tokenHeader?: string;
}

/** Ports of a sandbox that can be reached from outside. */
export interface Ports {
  /** @throws {SandboxError} `unsupported` when the provider had to know the port at the start */
  open(port: number, call: Call): Promise<PortAddress>;
}

/** What a sandbox has, where that is for its provider to say. */
export interface Machine {
  readonly cpus: number;
  readonly memoryMiB: number;
}

/** One running sandbox. Every method may throw {@link SandboxError}; `not-found` when the sandbox is gone. */
export interface Sandbox {
  readonly id: string;
  /** Absolute POSIX path inside of the folder that holds the user's files. */
  readonly workspace: string;
  /** When it ends by itself. */
  readonly expiresAt: Date;
  /**
   * Starts a command; `call.signal` governs its whole life: aborting kills the process group within 2 s and leaves the
   * sandbox usable.
   */
  exec(command: Command, call: Call): Promise<Process>;
  /** All-or-nothing per file; refuses paths that leave the workspace with `invalid` before anything is written. */
  apply(delta: Delta, call: Call): Promise<void>;
  list(call: Call): Promise<WorkspaceListing>;
  /** A tar stream of those paths, links as links, folders without what is in them; paths that do not exist are left out. */
  collect(paths: readonly string[], call: Call): AsyncIterable<Uint8Array>;
  /** Stops billing and frees the machine. Idempotent. Running commands end as `lost`. */
  destroy(call: Call): Promise<void>;
  readonly directorySnapshots?: DirectorySnapshots;
  readonly images?: Images;
  readonly ports?: Ports;
  /** Left out where no code can keep its state. */
  readonly interpreter?: Interpreter;
  /** What it got, where the spec's sizes could not be asked for: its image decides. */
  readonly machine?: Machine;
  /** Keeps memory and files, and frees the machine; `Provider.resume` goes on with it. The sandbox is gone then. */
  pause?(call: Call): Promise<SavedState>;
}
