import { once } from "node:events";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import type { Machine, NumberedProcess } from "../../shared/machine.ts";
import { type TerminalSize, resizeTerminal, toTerminalCommand } from "../../shared/terminal.ts";
import { ConnectError } from "./connect-json.ts";

// Source of the messages: https://github.com/e2b-dev/infra, packages/envd/spec/process/process.proto.

/** What to start; JSON's form of `process.StartRequest`. */
export interface StartRequest {
  readonly process: {
    readonly cmd: string;
    readonly args?: readonly string[];
    readonly envs?: Readonly<Record<string, string>>;
    readonly cwd?: string;
  };
  readonly pty?: { readonly size?: Partial<TerminalSize> };
  readonly tag?: string;
  /** Whether input may come; it may when absent. */
  readonly stdin?: boolean;
}

/** `process.ProcessEvent`. */
export type ProcessEvent =
  | { readonly start: { readonly pid: number } }
  | { readonly data: { readonly [stream in "stdout" | "stderr" | "pty"]?: string } }
  | { readonly end: ProcessEnd }
  | { readonly keepalive: object };

interface ProcessEnd {
  /** -1 by a signal. */
  readonly exitCode: number;
  readonly exited: boolean;
  /** "exit status 3", "signal: killed". */
  readonly status: string;
  readonly error?: string;
}

/** Where and as whom it starts. */
interface StartPlace {
  readonly machine: Machine;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly userId: number;
}

const SIGNAL_NAMES: Readonly<Record<string, string>> = {
  SIGKILL: "killed",
  SIGTERM: "terminated",
  SIGINT: "interrupt",
};

/** A process that the daemon has started. What it prints while nobody listens is lost. */
export class EnvdProcess {
  readonly start: StartRequest;
  readonly pid: number;
  /** Resolves when it has exited and its output is closed, or when it was sent a signal that ends it. */
  readonly ended: Promise<ProcessEnd>;
  readonly #machine: Machine;
  readonly #process: NumberedProcess;
  readonly #listeners = new Set<(event: ProcessEvent) => void>();
  readonly #isSignalled = Promise.withResolvers<void>();
  #hasInput: boolean;

  private constructor(start: StartRequest, machine: Machine, process: NumberedProcess) {
    this.start = start;
    this.pid = process.innerPid;
    this.#machine = machine;
    this.#process = process;
    this.#hasInput = start.pty !== undefined || start.stdin !== false;
    process.stdin.on("error", () => {
      this.#hasInput = false;
    });
    if (!this.#hasInput) process.stdin.end();
    this.ended = this.#watch();
  }

  /** @throws ConnectError invalid_argument without the folder to start in */
  static async start(start: StartRequest, { machine, ...place }: StartPlace): Promise<EnvdProcess> {
    const { cmd, args = [], envs } = start.process;
    const argv = start.pty ? toTerminalCommand([cmd, ...args], toSize(start.pty)) : [cmd, ...args];
    try {
      const process = await machine.startNumbered({ ...place, argv, env: { ...place.env, ...envs } });
      return new EnvdProcess(start, machine, process);
    } catch {
      throw new ConnectError("invalid_argument", `cwd '${place.workdir}' does not exist`);
    }
  }

  /** Hears what is printed from now on, and the end. Returns what stops it. */
  listen(listener: (event: ProcessEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @throws ConnectError internal when it takes no such input */
  async write(stream: "stdin" | "pty", data: Buffer): Promise<void> {
    if ((stream === "pty") !== (this.start.pty !== undefined)) {
      throw new ConnectError("internal", `input of this process is not written to its ${stream}`);
    }
    if (!this.#hasInput) throw new ConnectError("internal", "error writing to stdin: stdin not enabled or closed");
    await new Promise<void>((resolve, reject) => {
      this.#process.stdin.write(data, (error) =>
        error ? reject(new ConnectError("internal", `error writing to stdin: ${error.message}`)) : resolve(),
      );
    });
  }

  closeInput(): void {
    if (this.start.pty) throw new ConnectError("unknown", "cannot close stdin for PTY process");
    this.#hasInput = false;
    this.#process.stdin.end();
  }

  /** To the process alone, not to what it has started; of that nothing more is heard. */
  async signal(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await this.#machine.signal(this.#process, signal);
    this.#isSignalled.resolve();
  }

  /** @throws ConnectError internal without a terminal */
  async resize(size: Partial<TerminalSize>): Promise<void> {
    if (!this.start.pty) throw new ConnectError("internal", "error resizing tty: tty not assigned to process");
    await resizeTerminal(this.#machine, this.#process, toSize({ size }));
  }

  async #watch(): Promise<ProcessEnd> {
    const { stdout, stderr, ended } = this.#process;
    const outputs = this.start.pty
      ? [this.#spread(stdout, "pty"), this.#spread(stderr, "pty")]
      : [this.#spread(stdout, "stdout"), this.#spread(stderr, "stderr")];
    await Promise.race([Promise.all(outputs), this.#isSignalled.promise]);
    const { code, signal } = await ended;
    const end = toEnd(code, signal);
    this.#tell({ end });
    return end;
  }

  async #spread(output: Readable, stream: "stdout" | "stderr" | "pty"): Promise<void> {
    output.on("data", (chunk: Buffer) => this.#tell({ data: { [stream]: chunk.toString("base64") } }));
    // An empty stream closes by itself, even before anybody listens.
    if (!output.closed) await once(output, "close");
  }

  #tell(event: ProcessEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function toSize({ size = {} }: { readonly size?: Partial<TerminalSize> }): TerminalSize {
  return { rows: size.rows ?? 24, cols: size.cols ?? 80 };
}

function toEnd(code: number | null, signal: NodeJS.Signals | null): ProcessEnd {
  if (signal !== null) {
    const status = `signal: ${SIGNAL_NAMES[signal] ?? constants.signals[signal]}`;
    return { exitCode: -1, exited: false, status, error: status };
  }
  const status = `exit status ${code}`;
  return { exitCode: code ?? 0, exited: true, status, ...(code === 0 ? {} : { error: status }) };
}
