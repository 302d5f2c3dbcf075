import { createInterface } from "node:readline";
import type { Machine, NumberedProcess } from "../../shared/machine.ts";
import { ApiError } from "../api-error.ts";
import type { SandboxHost } from "../sandbox-host.ts";
import { USER, findUser, toEnvironment } from "../users.ts";
import { KERNELS_INSIDE } from "./places.ts";

/** How the interpreter describes a context. */
export interface ContextInfo {
  readonly id: string;
  readonly language: string;
  readonly cwd: string;
}

/** Code to run. */
interface CellOrder {
  readonly code: string;
  /** Variables for this cell alone. */
  readonly env: Readonly<Record<string, string>>;
}

/** A process that interprets, and the lines that it says; one line of JSON is one message. */
interface RunningKernel {
  readonly machine: Machine;
  readonly process: NumberedProcess;
  readonly lines: AsyncIterator<string>;
}

const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  python: ["python3", `${KERNELS_INSIDE}/python-kernel.py`],
  javascript: ["node", `${KERNELS_INSIDE}/javascript-kernel.mjs`],
  typescript: ["node", `${KERNELS_INSIDE}/javascript-kernel.mjs`],
};
const END = '"type":"end_of_execution"';
const DIED = JSON.stringify({
  type: "error",
  name: "ContextRestarting",
  value: "Context was restarted",
  traceback: "",
});

/** One context: a process in the sandbox that keeps variables between cells. It is started for the first cell. */
export class Kernel {
  readonly info: ContextInfo;
  readonly #sandbox: SandboxHost;
  #running: Promise<RunningKernel> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @throws ApiError 500 for a language that there is no program for */
  constructor(sandbox: SandboxHost, info: ContextInfo) {
    if (!PROGRAMS[info.language]) {
      throw new ApiError(500, `Failed to create context: No such kernel named ${info.language}`);
    }
    this.#sandbox = sandbox;
    this.info = info;
  }

  /**
   * Runs one cell after those that came before it, and hands on what it says as it says it, without line breaks. When
   * `signal` aborts, the cell is interrupted.
   */
  async run(order: CellOrder, signal: AbortSignal, onMessage: (line: string) => void): Promise<void> {
    const before = this.#last;
    const done = Promise.withResolvers<void>();
    this.#last = done.promise;
    await before;
    try {
      if (!signal.aborted) await this.#run(order, signal, onMessage);
    } finally {
      done.resolve();
    }
  }

  /** Ends its process; the next cell gets a new one. */
  async restart(): Promise<void> {
    const running = await this.#running?.catch(() => undefined);
    this.#running = undefined;
    await running?.machine.kill(running.process);
  }

  async #run(order: CellOrder, signal: AbortSignal, onMessage: (line: string) => void): Promise<void> {
    this.#running ??= this.#start();
    const { machine, process, lines } = await this.#running;
    const interrupt = () => void machine.signal(process, "SIGINT");
    signal.addEventListener("abort", interrupt, { once: true });
    process.stdin.write(`${JSON.stringify(order)}\n`);
    for (let next = await lines.next(); ; next = await lines.next()) {
      if (next.done) {
        this.#running = undefined;
        onMessage(DIED);
        break;
      }
      if (next.value.includes(END)) break;
      onMessage(next.value.startsWith('{"type":') ? next.value : toOutput(next.value));
    }
    signal.removeEventListener("abort", interrupt);
  }

  async #start(): Promise<RunningKernel> {
    const machine = await this.#sandbox.machine();
    const process = await machine.startNumbered({
      // Jupyter's kernels are told the file of their connection, which is named after the context.
      argv: [...(PROGRAMS[this.info.language] ?? []), "-f", `kernel-${this.info.id}.json`],
      env: toEnvironment(USER, this.#sandbox),
      workdir: this.info.cwd,
      userId: findUser(USER)?.id,
    });
    process.stdin.on("error", () => {});
    process.stderr.resume();
    const lines = createInterface({ input: process.stdout, crlfDelay: Number.POSITIVE_INFINITY });
    return { machine, process, lines: lines[Symbol.asyncIterator]() };
  }
}

/** What a child of the process wrote between its messages. */
function toOutput(text: string): string {
  return JSON.stringify({ type: "stdout", text: `${text}\n`, timestamp: new Date().toISOString() });
}
