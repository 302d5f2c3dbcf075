import { Readable, pipeline } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import type { Machine } from "../shared/machine.ts";
import type { SpawnedProcess } from "../shared/spawner.ts";
import { Contexts } from "./interpreter.ts";
import { Ptys } from "./ptys.ts";
import { Sessions } from "./sessions.ts";

/** What a toolbox is made of. */
export interface ToolboxParts {
  readonly machine: Machine;
  /** Of every command; grows and shrinks by `POST /env`. */
  readonly env: Record<string, string>;
  readonly workdir: string;
  readonly home: string;
  /** A user's number inside; root when undefined. */
  readonly userId: number | undefined;
  /** A folder of the host for what commands print. */
  readonly spoolFolder: string;
  /** Whether the text of a session's command stands in the shell's input as it is; see the emulator's options. */
  readonly isInline: boolean;
  /** Hears every command that is started for a client. */
  readonly onCommand: (command: string) => void;
}

/** How to start something inside. */
export interface StartOptions {
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** How a tool inside ended. */
interface ToolResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** The daemon in a sandbox that runs: it starts commands and knows what it has started; a stop takes it all away. */
export class Toolbox {
  readonly parts: ToolboxParts;
  readonly sessions: Sessions;
  readonly ptys: Ptys;
  readonly contexts: Contexts;

  constructor(parts: ToolboxParts) {
    this.parts = parts;
    this.sessions = new Sessions(this);
    this.ptys = new Ptys(this);
    this.contexts = new Contexts(this);
  }

  /** Starts a command as the sandbox's user, in a group of its own. */
  start(argv: readonly string[], { cwd, env }: StartOptions = {}): Promise<SpawnedProcess> {
    const { machine, workdir, userId } = this.parts;
    return machine.start({ argv, env: { ...this.parts.env, ...env }, workdir: cwd ?? workdir, userId });
  }

  /** Runs a small tool in `/` to its end; its input is `stdin`, or nothing. */
  async run(argv: readonly string[], stdin?: Readable | Buffer): Promise<ToolResult> {
    const process = await this.start(argv, { cwd: "/" });
    // A tool that fails does not read on, and what it says tells why; input that breaks off ends.
    pipeline(stdin instanceof Readable ? stdin : Readable.from(stdin ? [stdin] : []), process.stdin, () => {});
    const [{ code }, stdout, stderr] = await Promise.all([process.ended, buffer(process.stdout), text(process.stderr)]);
    return { code: code ?? 128, stdout, stderr };
  }

  /** Forgets what was started; the processes end with their machine. */
  close(): void {
    this.sessions.close();
    this.ptys.close();
    this.contexts.close();
  }
}
