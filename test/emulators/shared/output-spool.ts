import { closeSync, openSync, read, writeSync } from "node:fs";
import { promisify } from "node:util";

const readAt = promisify(read);
const IN_MEMORY_BYTES = 64 * 1024;
const CHUNK_BYTES = 256 * 1024;

/**
 * All that a command has written to one stream, kept so that whoever comes late reads it from any offset. The first
 * 64 KiB are in memory; more goes to a file, so that a thousand commands cost little.
 */
export class OutputSpool {
  readonly #file: string;
  #memory: Buffer[] = [];
  #descriptor: number | undefined;
  #size = 0;
  #ended = false;
  #isDisposed = false;
  #reading = 0;
  #changed = Promise.withResolvers<void>();

  /** `file` is created when it is needed, in a folder that has to exist by then. */
  constructor(file: string) {
    this.#file = file;
  }

  append(chunk: Uint8Array): void {
    if (this.#ended || chunk.byteLength === 0) return;
    if (this.#descriptor === undefined && this.#size + chunk.byteLength > IN_MEMORY_BYTES) this.#moveToFile();
    if (this.#descriptor === undefined) this.#memory.push(Buffer.from(chunk));
    else writeSync(this.#descriptor, chunk);
    this.#size += chunk.byteLength;
    this.#tell();
  }

  /** No more will come. */
  end(): void {
    this.#ended = true;
    this.#tell();
  }

  /** What was written from `offset` on, then what still comes, until the end or until `signal` aborts. */
  async *read(offset: number, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    let at = offset;
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      const changed = this.#changed.promise;
      if (at < this.#size) {
        const chunk = await this.#chunk(at);
        at += chunk.byteLength;
        yield chunk;
      } else if (this.#ended) return;
      else await Promise.race([changed, aborted]);
    }
  }

  /** Ends it and gives the file back; what has not been read is gone. */
  dispose(): void {
    this.end();
    this.#isDisposed = true;
    this.#memory = [];
    this.#size = 0;
    this.#closeUnused();
  }

  async #chunk(at: number): Promise<Buffer> {
    if (this.#descriptor === undefined) {
      this.#memory = [Buffer.concat(this.#memory)];
      return this.#memory[0]?.subarray(at) ?? Buffer.alloc(0);
    }
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, this.#size - at));
    this.#reading += 1;
    try {
      const { bytesRead } = await readAt(this.#descriptor, buffer, 0, buffer.byteLength, at);
      return buffer.subarray(0, bytesRead);
    } finally {
      this.#reading -= 1;
      this.#closeUnused();
    }
  }

  /** A number that is closed during a read may be another file's by then. */
  #closeUnused(): void {
    if (!this.#isDisposed || this.#reading > 0 || this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #moveToFile(): void {
    this.#descriptor = openSync(this.#file, "w+");
    for (const chunk of this.#memory) writeSync(this.#descriptor, chunk);
    this.#memory = [];
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Keeps what comes, or throws it away when there is nothing to keep it in. */
export function spool(from: NodeJS.ReadableStream, to: OutputSpool | undefined): void {
  from.on("data", (chunk: Buffer) => to?.append(chunk));
  from.once("close", () => to?.end());
  from.once("error", () => to?.end());
}
