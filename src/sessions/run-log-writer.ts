import { type FileHandle, open } from "node:fs/promises";
import { toMessage } from "../core/sandbox-error.ts";
import type { Clock } from "./clock.ts";
import {
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
  type LogStream,
  toBytesFile,
  toIndexFile,
} from "./run-log-format.ts";

/** Output up to this size is kept per run; more is let through to nobody, and the run's notes say so. */
export const DEFAULT_LOG_CAP_BYTES = 1024 ** 3;

// Output that waits for the disk beyond this holds the command back.
const MAX_WAITING_BYTES = 1024 ** 2;
// Below Linux's limit of 1024 buffers per call.
const MAX_BATCH_CHUNKS = 512;

interface Waiting {
  readonly stream: LogStream;
  readonly data: Uint8Array;
}

/** What a writer is made with. */
export interface RunLogOptions {
  readonly clock: Clock;
  readonly capBytes: number;
  /** Called when the log can be read up to `sizeBytes`. */
  readonly onDidGrow: (sizeBytes: number) => void;
}

/** Appends a run's output to its log; see run-log-format.ts. The one writer of its files. */
export class RunLogWriter {
  readonly #bytes: FileHandle;
  readonly #index: FileHandle;
  readonly #options: RunLogOptions;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #sizeBytes = 0;
  #acceptedBytes = 0;
  #indexBytes = HEADER_BYTES;
  #droppedBytes = 0;
  #failure: string | undefined;
  #writing: Promise<void> | undefined;

  private constructor(bytes: FileHandle, index: FileHandle, options: RunLogOptions) {
    this.#bytes = bytes;
    this.#index = index;
    this.#options = options;
  }

  /** @throws what the file system says. */
  static async create(folder: string, options: RunLogOptions): Promise<RunLogWriter> {
    const bytes = await open(toBytesFile(folder), "wx", 0o600);
    const index = await open(toIndexFile(folder), "wx", 0o600);
    await index.write(encodeHeader(), 0, HEADER_BYTES, 0);
    return new RunLogWriter(bytes, index, options);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What was not kept and why, for people; undefined when everything was. */
  get loss(): string | undefined {
    if (this.#failure !== undefined) return `Output after ${this.#sizeBytes} bytes was not kept: ${this.#failure}`;
    if (this.#droppedBytes > 0)
      return `Output after ${this.#sizeBytes} bytes was not kept: it is more than a run's log may hold.`;
    return undefined;
  }

  /** Resolves when there is room for more; never rejects. `data` must not be changed afterwards. */
  async append(stream: LogStream, data: Uint8Array): Promise<void> {
    const kept =
      this.#failure === undefined
        ? data.subarray(0, this.#options.capBytes - this.#acceptedBytes)
        : data.subarray(0, 0);
    this.#droppedBytes += data.length - kept.length;
    if (kept.length === 0) return;
    this.#acceptedBytes += kept.length;
    this.#waiting.push({ stream, data: kept });
    this.#waitingBytes += kept.length;
    this.#writing ??= this.#writeAll();
    if (this.#waitingBytes > MAX_WAITING_BYTES) await this.#writing;
  }

  /** Resolves once everything appended so far can be read. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    await Promise.all([this.#bytes.close(), this.#index.close()]);
  }

  // Whatever comes while one batch is being written makes the next: batches grow with the load by themselves.
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH_CHUNKS);
      const batchBytes = countBytes(batch);
      try {
        await this.#writeBatch(batch, batchBytes);
      } catch (error) {
        await this.#fail(error);
      }
      this.#waitingBytes -= batchBytes;
    }
    this.#writing = undefined;
  }

  async #writeBatch(batch: readonly Waiting[], batchBytes: number): Promise<void> {
    if (this.#failure !== undefined) return;
    await writeWhole(
      this.#bytes,
      batch.map(({ data }) => data),
      this.#sizeBytes,
    );
    const records = toRecords(batch, this.#options.clock.now());
    await writeWhole(this.#index, records, this.#indexBytes);
    this.#indexBytes += countBytes(records.map((data) => ({ data })));
    this.#sizeBytes += batchBytes;
    this.#options.onDidGrow(this.#sizeBytes);
  }

  // Bytes that no record tells of would be taken for output when the log is repaired.
  async #fail(cause: unknown): Promise<void> {
    this.#failure = toMessage(cause);
    await Promise.allSettled([this.#bytes.truncate(this.#sizeBytes), this.#index.truncate(this.#indexBytes)]);
  }
}

function countBytes(batch: readonly { readonly data: Uint8Array }[]): number {
  return batch.reduce((sum, { data }) => sum + data.length, 0);
}

// Neighbours of the same stream share a record.
function toRecords(batch: readonly Waiting[], time: number): Uint8Array[] {
  const records: Uint8Array[] = [];
  let length = 0;
  batch.forEach(({ stream, data }, at) => {
    length += data.length;
    if (batch[at + 1]?.stream === stream) return;
    records.push(encodeRecord({ stream, length, time }));
    length = 0;
  });
  return records;
}

// A call may write a part only: near a full disk it does.
async function writeWhole(file: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  const { bytesWritten } = await file.writev([...buffers], position);
  if (bytesWritten === total) return;
  const rest = Buffer.concat(buffers).subarray(bytesWritten);
  for (let done = 0; done < rest.length;) {
    const part = await file.write(rest, done, rest.length - done, position + bytesWritten + done);
    done += part.bytesWritten;
  }
}
