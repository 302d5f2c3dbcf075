import { constants } from "node:os";
import { buffer } from "node:stream/consumers";
import { ServerError, Status } from "nice-grpc";
import type { Machine } from "../shared/machine.ts";
import { type OutputSpool, spool } from "../shared/output-spool.ts";
import type { SpawnedProcess } from "../shared/spawner.ts";

/** How a command ended: by an exit code (-1 when its time was up) or by a signal. */
type ExecStatus = { readonly code: number } | { readonly signal: number };

/** What an exec is made of. */
interface ExecParts {
  readonly machine: Machine;
  readonly process: SpawnedProcess;
  /** Absent when the output is not wanted. */
  readonly stdout: OutputSpool | undefined;
  readonly stderr: OutputSpool | undefined;
  readonly timeoutMs: number | undefined;
  /** What to make of all that was printed, at its end. */
  readonly toOutput: ((printed: Buffer) => Buffer) | undefined;
  /** Hears how many bytes of input have come. */
  readonly onInput: (bytes: number) => void;
}

/** One command in a sandbox, from its start until the sandbox ends. */
export class Exec {
  readonly stdout: OutputSpool | undefined;
  readonly stderr: OutputSpool | undefined;
  /** Resolves at the command's exit; its output stays open as long as something that it left behind holds it. */
  readonly ended: Promise<ExecStatus>;
  readonly #process: SpawnedProcess;
  readonly #onInput: (bytes: number) => void;
  #status: ExecStatus | undefined;
  #stdinBytes = 0;
  #stdinClosed = false;

  constructor({ process, stdout, stderr, toOutput, onInput, ...rest }: ExecParts) {
    this.#process = process;
    this.#onInput = onInput;
    this.stdout = stdout;
    this.stderr = stderr;
    if (toOutput && stdout) void spoolAtEnd(process.stdout, stdout, toOutput);
    else spool(process.stdout, stdout);
    spool(process.stderr, stderr);
    process.stdin.on("error", () => {
      this.#stdinClosed = true;
    });
    this.ended = this.#watch(rest);
  }

  /** Undefined while it runs. */
  get status(): ExecStatus | undefined {
    return this.#status;
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
    this.#onInput(fresh.byteLength);
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
    this.stdout?.dispose();
    this.stderr?.dispose();
  }

  async #watch({ machine, timeoutMs }: Pick<ExecParts, "machine" | "timeoutMs">): Promise<ExecStatus> {
    let isLate = false;
    const end = () => {
      isLate = true;
      void machine.kill(this.#process);
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs);
    const { code, signal } = await this.#process.ended;
    clearTimeout(timer);
    this.#status = isLate ? { code: -1 } : signal ? { signal: constants.signals[signal] } : { code: code ?? 0 };
    return this.#status;
  }
}

async function spoolAtEnd(
  from: NodeJS.ReadableStream,
  to: OutputSpool,
  toOutput: (printed: Buffer) => Buffer,
): Promise<void> {
  to.append(toOutput(await buffer(from)));
  to.end();
}
