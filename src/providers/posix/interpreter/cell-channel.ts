import { Readable } from "node:stream";
import type { CellOutput, CellProcess } from "../../../core/interpreter.ts";
import type { ExitStatus, ProcessSignal } from "../../../core/sandbox.ts";
import type { DriverFrame } from "./frames.ts";

/** What is taken in ahead of the reader, so that short cells end although nobody reads them. */
const READ_AHEAD_BYTES = 256 * 1024;
const READ_AHEAD_OUTPUTS = 64;

/** The one cell that a driver runs, from the driver's side. */
export interface CellChannel {
  readonly process: CellProcess;
  /** Resolves when there is room for more. */
  take(frame: DriverFrame): Promise<void>;
  /** Only the first call counts. */
  end(status: ExitStatus): void;
}

/** @param signal sends a signal to what runs the cell */
export function createCellChannel(signal: (name: ProcessSignal) => Promise<void>): CellChannel {
  const stdout = createStream<Uint8Array>({ highWaterMark: READ_AHEAD_BYTES });
  const stderr = createStream<Uint8Array>({ highWaterMark: READ_AHEAD_BYTES });
  const outputs = createStream<CellOutput>({ highWaterMark: READ_AHEAD_OUTPUTS, objectMode: true });
  let hasEnded = false;
  const exit = Promise.withResolvers<ExitStatus>();
  return {
    process: {
      stdout: stdout.readable,
      stderr: stderr.readable,
      outputs: outputs.readable,
      write: doNothing,
      closeStdin: doNothing,
      resize: doNothing,
      signal: async (name) => {
        if (!hasEnded) await signal(name);
      },
      exit: exit.promise,
    },
    take: async (frame) => {
      if (frame.kind === "stdout") await stdout.push(frame.data);
      else if (frame.kind === "stderr") await stderr.push(frame.data);
      else if (frame.kind === "output") await outputs.push(frame.output);
    },
    end: (status) => {
      if (hasEnded) return;
      hasEnded = true;
      for (const stream of [stdout, stderr, outputs]) stream.end();
      exit.resolve(status);
    },
  };
}

async function doNothing(): Promise<void> {}

interface Stream<T> {
  readonly readable: Readable;
  readonly push: (item: T) => Promise<void>;
  readonly end: () => void;
}

// A reader that stops early does not hold the cell back.
function createStream<T>(options: { readonly highWaterMark: number; readonly objectMode?: boolean }): Stream<T> {
  let wake: (() => void) | undefined;
  const resume = (): void => wake?.();
  const readable = new Readable({ ...options, read: resume });
  readable.on("close", resume);
  return {
    readable,
    push: async (item) => {
      if (readable.destroyed || readable.push(item)) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    },
    end: () => {
      if (!readable.destroyed) readable.push(null);
    },
  };
}
