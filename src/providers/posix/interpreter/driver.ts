import { randomBytes } from "node:crypto";
import type { Call } from "../../../core/call.ts";
import type { CellProcess } from "../../../core/interpreter.ts";
import type { Command, ExitStatus, Process, ProcessSignal } from "../../../core/sandbox.ts";
import { SandboxError } from "../../../core/sandbox-error.ts";
import { toSignalName } from "../trailer-filter.ts";
import { type CellChannel, createCellChannel } from "./cell-channel.ts";
import { DRIVER_ARGV, toDriverSource } from "./driver-source.ts";
import { type DriverFrame, readFrames, toCellFrame } from "./frames.ts";

export type Exec = (command: Command, call: Call) => Promise<Process>;

/** What the driver is told of a cell. */
export interface DriverCell {
  readonly code: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What errors call its file, and where that is in the sandbox. */
  readonly path?: string;
  readonly file?: string;
}

/** Enough for the last lines of a traceback. */
const MOST_COMPLAINT = 2000;

/** Pieces of output that come while no cell runs; each has at most 64 KiB. */
const MOST_BETWEEN = 64;

/** A Python that runs in a sandbox and keeps the state of its cells. It ends with the sandbox, or by {@link Driver.kill}. */
export class Driver {
  readonly #process: Process;
  readonly #life: AbortController;
  #cell: CellChannel | undefined;
  #begun: (() => void) | undefined;
  #signalling: Promise<void> = Promise.resolve();
  readonly #between: DriverFrame[] = [];
  #killReason: string | undefined;
  /** `left` when its code asked it to exit, `lost` when it ended in any other way. */
  state: "running" | "left" | "lost" = "running";
  /** Never rejects. */
  readonly ended: Promise<void>;

  private constructor(process: Process, life: AbortController, frames: AsyncIterable<DriverFrame>) {
    this.#process = process;
    this.#life = life;
    this.ended = this.#pump(frames);
  }

  /**
   * @param cwd where it starts, relative to the workspace, POSIX
   * @throws {SandboxError} `unsupported` without a Python that is new enough
   */
  static async start(exec: Exec, cwd: string | undefined, call: Call): Promise<Driver> {
    const life = new AbortController();
    const onAbort = (): void => life.abort(call.signal.reason);
    call.signal.addEventListener("abort", onAbort, { once: true });
    try {
      const command = { argv: DRIVER_ARGV, ...(cwd === undefined ? {} : { cwd }) };
      const process = await exec(command, { signal: life.signal, logger: call.logger });
      const complaint = readTail(process.stderr);
      const hello = randomBytes(16).toString("hex");
      const frames = readFrames(process.stdout, hello);
      await process.write(toDriverSource(hello));
      const first = await frames.next().catch(() => undefined);
      if (first?.value?.kind === "hello") return new Driver(process, life, frames);
      throw toStartError(await process.exit, (await complaint).trim());
    } catch (error) {
      life.abort();
      call.signal.throwIfAborted();
      throw error;
    } finally {
      call.signal.removeEventListener("abort", onAbort);
    }
  }

  /** One at a time. `call.signal` governs the cell: aborting it ends the driver. */
  async run(cell: DriverCell, { signal }: Call): Promise<CellProcess> {
    // A signal that comes late would meet the wrong cell.
    await this.#signalling;
    signal.throwIfAborted();
    const begun = new Promise<void>((resolve) => {
      this.#begun = resolve;
    });
    const channel = createCellChannel((name) => this.#signal(name, begun));
    this.#cell = channel;
    for (const frame of this.#between.splice(0)) void channel.take(frame);
    if (this.state === "running") {
      const onAbort = (): void => this.#kill("The cell was ended, and its context with it.");
      signal.addEventListener("abort", onAbort, { once: true });
      void channel.process.exit.then(() => signal.removeEventListener("abort", onAbort));
      await this.#process.write(toCellFrame(cell));
    } else {
      channel.end({ kind: "lost", reason: "Python ended before the cell began." });
    }
    return channel.process;
  }

  /** Ends it, and the cell that runs as `lost`. Resolves when it has ended. */
  async kill(reason: string): Promise<void> {
    this.#kill(reason);
    await this.ended;
  }

  #kill(reason: string): void {
    this.#killReason ??= reason;
    this.#life.abort(new SandboxError("unavailable", reason));
  }

  async #signal(name: ProcessSignal, begun: Promise<void>): Promise<void> {
    // Before the cell has begun there is nothing to interrupt.
    if (name === "INT") await Promise.race([begun, this.ended]);
    const sent = this.#process.signal(name);
    this.#signalling = sent.catch(() => undefined);
    await sent;
  }

  async #pump(frames: AsyncIterable<DriverFrame>): Promise<void> {
    try {
      for await (const frame of frames) await this.#take(frame);
    } catch (error) {
      this.#kill(error instanceof Error && !(error instanceof SyntaxError) ? error.message : "Its context broke off.");
    }
    const status = await this.#process.exit;
    if (this.state === "running") this.state = "lost";
    this.#cell?.end({ kind: "lost", reason: this.#killReason ?? describeEnd(status) });
  }

  // What threads and processes of a cell that has ended still print comes with the next one.
  #keep(frame: DriverFrame): void {
    if ("data" in frame && this.#between.length < MOST_BETWEEN) this.#between.push(frame);
  }

  async #take(frame: DriverFrame): Promise<void> {
    if (frame.kind === "output") this.#begun?.();
    if (frame.kind !== "done") return await (this.#cell ? this.#cell.take(frame) : this.#keep(frame));
    if (frame.isLast) this.state = "left";
    this.#cell?.end({ kind: "exited", code: frame.code });
    this.#cell = undefined;
  }
}

function describeEnd(status: ExitStatus): string {
  if (status.kind === "lost") return status.reason;
  const signal =
    status.kind === "signaled" ? status.signal : status.code > 128 ? toSignalName(status.code - 128) : undefined;
  if (signal === "SIGKILL")
    return "Python was killed, and its state is lost. Mostly that means that it ran out of memory.";
  const how = signal ? `was ended by ${signal}` : `ended with code ${status.kind === "exited" ? status.code : 0}`;
  return `Python ${how}, and its state is lost.`;
}

function toStartError(status: ExitStatus, complaint: string): SandboxError {
  if (status.kind === "lost") return new SandboxError("unavailable", `Python could not be started: ${status.reason}`);
  const remedy = "Choose an image that has it, or run the file on another provider.";
  if (status.kind === "exited" && (status.code === 127 || status.code === 126))
    return new SandboxError("unsupported", `Cells need Python 3.6 or newer, and the sandbox has no python3. ${remedy}`);
  if (complaint.startsWith("Python 3.6 or newer")) return new SandboxError("unsupported", `${complaint} ${remedy}`);
  const last = complaint.split("\n").at(-1);
  return new SandboxError("unavailable", `Python could not be started in the sandbox: ${last || describeEnd(status)}`);
}

async function readTail(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let tail = Buffer.alloc(0);
  try {
    for await (const chunk of stream) tail = Buffer.from(Buffer.concat([tail, chunk]).subarray(-MOST_COMPLAINT));
  } catch {
    // What it was cut off from says nothing more.
  }
  return tail.toString("utf8");
}
