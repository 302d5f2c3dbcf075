import { type FileHandle, open } from "node:fs/promises";
import type { CellOutput, CellProcess } from "../../core/interpreter.ts";
import type { Process } from "../../core/sandbox.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import type { Clock } from "../clock.ts";
import { describeSize } from "../describe-size.ts";
import { afterGrace } from "../run-output.ts";

/** What all a cell's results may take on disk; more is let through to nobody. */
const MOST_BYTES = 256 * 1024 ** 2;

/** Who wants to know what is recorded. */
interface ResultsListener {
  readonly clock: Clock;
  /** Each result waits for it. */
  readonly onWillWrite: () => Promise<void>;
  /** Called when the file can be read up to `sizeBytes`. */
  readonly onDidGrow: (sizeBytes: number) => void;
  readonly onCount: (count: number) => void;
}

/** Whether a process is a cell's, and shows something besides its output. */
export function isCellProcess(process: Process): process is CellProcess {
  return "outputs" in process;
}

/**
 * Writes what a cell shows to its file (see results-file.ts), which must not be there, until it ends. Never rejects;
 * resolves with what was not kept and why, for people.
 */
export async function recordResults(
  { outputs, exit }: CellProcess,
  file: string,
  listener: ResultsListener,
): Promise<string | undefined> {
  const writer = new ResultsWriter(file, listener);
  const grace = exit.then(() => afterGrace(listener.clock));
  await Promise.race([writer.writeAll(outputs), grace]);
  await writer.close();
  return writer.loss;
}

class ResultsWriter {
  readonly #file: string;
  readonly #listener: ResultsListener;
  #handle: FileHandle | undefined;
  #sizeBytes = 0;
  /** What was not kept, and why. */
  loss: string | undefined;

  constructor(file: string, listener: ResultsListener) {
    this.#file = file;
    this.#listener = listener;
  }

  async writeAll(outputs: AsyncIterable<CellOutput>): Promise<void> {
    try {
      for await (const output of outputs) {
        if (output.kind === "count") this.#listener.onCount(output.count);
        // What nobody reads would hold the cell back.
        if (this.loss === undefined) await this.#write(Buffer.from(`${JSON.stringify(output)}\n`));
      }
    } catch (error) {
      this.loss ??= `Results were not kept: ${toMessage(error)}`;
    }
  }

  async #write(line: Buffer): Promise<void> {
    if (this.#sizeBytes + line.length > MOST_BYTES) {
      this.loss = `Results were not kept: they are more than ${describeSize(MOST_BYTES)}.`;
      return;
    }
    try {
      await this.#listener.onWillWrite();
      this.#handle ??= await open(this.#file, "wx", 0o600);
      await this.#handle.writeFile(line);
      this.#sizeBytes += line.length;
      this.#listener.onDidGrow(this.#sizeBytes);
    } catch (error) {
      this.loss = `Results were not kept: ${toMessage(error)}`;
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}
