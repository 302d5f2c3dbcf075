import { createByteQueue } from "../byte-queue.ts";
import type { OutputChunk } from "./start-program.ts";

/** How much of one stream is kept while only the other is read; the program is held back beyond it. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/** Both output streams of a program. */
interface OutputStreams {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
}

/** Splits what a program writes into its streams, without copying. Both end when the source does, however it does. */
export function splitOutput(source: AsyncIterator<OutputChunk>): OutputStreams {
  let wake: (() => void) | undefined;
  const onTaken = (): void => wake?.();
  const queues = { stdout: createByteQueue(onTaken), stderr: createByteQueue(onTaken) };
  const pump = async (): Promise<void> => {
    try {
      for (let next = await source.next(); !next.done; next = await source.next()) {
        const queue = queues[next.value.stream];
        queue.push(next.value.bytes);
        while (queue.sizeBytes > MAX_QUEUED_BYTES) await new Promise<void>((resolve) => (wake = resolve));
      }
    } catch {
      // A cut connection: what has arrived is still the program's.
    }
    queues.stdout.end();
    queues.stderr.end();
  };
  void pump();
  return queues;
}
