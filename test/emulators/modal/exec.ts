import { constants } from "node:os";
import { ServerError, Status } from "nice-grpc";
import type { Machine, PipedProcess } from "./machine.ts";
import type { OutputSpool } from "./output-spool.ts";

/** How a command ended: by an exit code (-1 when its time was up) or by a signal. */
export type ExecStatus = { readonly code: number } | { readonly signal: number };

/** What an exec is made of. */
export interface ExecParts {
  readonly machine: Machine;
  readonly process: PipedProcess;
  readonly stdout: OutputSpool;
  readonly stderr: OutputSpool;
  readonly timeoutMs: number | undefined;
}

/** One command in a sandbox, from its start until the sandbox ends. */
export class Exec {
  readonly stdout: OutputSpool;
  readonly stderr: OutputSpool;
  /** Resolves at the command's exit; its output may still be open in what it left behind. */
  readonly ended: Promise<ExecStatus>;
  readonly #process: PipedProcess;
  #status: ExecStatus | undefined;
  #stdinBytes = 0;
  #stdinClosed = false;

  constructor({ machine, process, stdout, stderr, timeoutMs }: ExecParts) {
    this.#process = process;
    this.stdout = stdout;
    this.stderr = stderr;
    spool(process.stdout, stdout);
    spool(process.stderr, stderr);
    process.stdin.on("error", () => {
      this.#stdinClosed = true;
    });
    this.ended = new Promise((resolve) => {
      const end = (status: ExecStatus) => {
        this.#status ??= status;
        clearTimeout(timer);
        resolve(this.#status);
      };
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              this.#status = { code: -1 };
              void machine.kill(process);
            }, timeoutMs);
      process.once("exit", (code, signal) => end(signal ? { signal: constants.signals[signal] } : { code: code ?? 0 }));
      process.once("error", () => end({ code: 127 }));
    });
  }

  /** Undefined while it runs. */
  get status(): ExecStatus | undefined {
    return this.#process.exitCode === null && this.#process.signalCode === null ? undefined : this.#status;
  }

  /** How much has come in, and whether more may. */
  get stdin(): { readonly numBytesWritten: number; readonly closed: boolean } {
    return { numBytesWritten: this.#stdinBytes, closed: this.#stdinClosed };
  }

  /**
   * Writes what is new of `data`, which stands at `offset` of all that is ever sent: bytes that have come before, in an
   * attempt whose answer was lost, are left out. Resolves when the command's pipe has taken it.
   */
  async write(offset: number, data: Uint8Array): Promise<void> {
    if (offset > this.#stdinBytes) throw new ServerError(Status.OUT_OF_RANGE, `stdin is at ${this.#stdinBytes}`);
    const fresh = data.subarray(this.#stdinBytes - offset);
    if (fresh.byteLength === 0) return;
    if (this.#stdinClosed) throw new ServerError(Status.FAILED_PRECONDITION, "stdin is closed");
    this.#stdinBytes += fresh.byteLength;
    await new Promise<void>((resolve, reject) => {
      this.#process.stdin.write(fresh, (error) =>
        error ? reject(new ServerError(Status.FAILED_PRECONDITION, "the command no longer reads stdin")) : resolve(),
      );
    });
  }

  /** Ends the command's input. */
  closeStdin(): void {
    this.#stdinClosed = true;
    this.#process.stdin.end();
  }

  dispose(): void {
    this.stdout.dispose();
    this.stderr.dispose();
  }
}

function spool(from: NodeJS.ReadableStream, to: OutputSpool): void {
  from.on("data", (chunk: Buffer) => to.append(chunk));
  from.once("close", () => to.end());
  from.once("error", () => to.end());
}
