import { type FileHandle, open, stat, truncate } from "node:fs/promises";
import { SandboxError } from "../core/sandbox-error.ts";
import { isMissing } from "./json-file.ts";
import {
  checkHeader,
  decodeRecord,
  encodeRecord,
  HEADER_BYTES,
  type LogChunk,
  RECORD_BYTES,
  toBytesFile,
  toIndexFile,
} from "./run-log-format.ts";

export type { LogChunk, LogStream } from "./run-log-format.ts";

const MAX_CHUNK_BYTES = 256 * 1024;
const INDEX_PAGE_BYTES = RECORD_BYTES * 4096;

/**
 * Yields what a run's log holds now from `fromOffset` on, in pieces of at most 256 KiB, then ends. Safe while the log
 * grows: to go on, call it again from where the last piece ended. A log that does not exist yet yields nothing.
 * @param folder the run's, see `toRunFolder`
 * @throws {SandboxError} `unsupported` when a newer Sandpiper wrote the log, `invalid` when it is damaged
 */
export async function* readRunLog(folder: string, fromOffset = 0): AsyncGenerator<LogChunk> {
  const reader = createRunLogReader(folder, fromOffset);
  try {
    for (let chunk = await reader.next(); chunk; chunk = await reader.next()) yield chunk;
  } finally {
    await reader.close();
  }
}

/** Reads a growing log without starting over; see {@link createRunLogReader}. */
export interface RunLogReader {
  /** The place of the next byte to be read. */
  readonly offset: number;
  /** The next piece that is there, or undefined when there is none at present. Not to be called twice at once. */
  next(): Promise<LogChunk | undefined>;
  close(): Promise<void>;
}

/** Opens nothing until the first `next`. Close it when done. @throws as {@link readRunLog} does, from `next` */
export function createRunLogReader(folder: string, fromOffset = 0): RunLogReader {
  return new Reader(folder, fromOffset);
}

class Reader implements RunLogReader {
  readonly #folder: string;
  #files: { readonly bytes: FileHandle; readonly index: FileHandle } | undefined;
  #page: Buffer = Buffer.alloc(0);
  #pageAt = 0;
  #indexAt = HEADER_BYTES;
  // The record that `offset` is in, or the next one: its place in the log.
  #recordStart = 0;
  offset: number;

  constructor(folder: string, fromOffset: number) {
    this.#folder = folder;
    this.offset = fromOffset;
  }

  async next(): Promise<LogChunk | undefined> {
    this.#files ??= await openLog(this.#folder);
    if (!this.#files) return undefined;
    for (;;) {
      if (this.#pageAt + RECORD_BYTES > this.#page.length && !(await this.#readPage(this.#files.index)))
        return undefined;
      const record = decodeRecord(this.#page, this.#pageAt);
      const end = this.#recordStart + record.length;
      if (this.offset < end) return await this.#readChunk(this.#files.bytes, record, end);
      this.#recordStart = end;
      this.#pageAt += RECORD_BYTES;
    }
  }

  async close(): Promise<void> {
    const files = this.#files;
    this.#files = undefined;
    if (files) await Promise.all([files.bytes.close(), files.index.close()]);
  }

  async #readPage(index: FileHandle): Promise<boolean> {
    this.#indexAt += this.#pageAt;
    const page = Buffer.alloc(INDEX_PAGE_BYTES);
    const { bytesRead } = await index.read(page, 0, page.length, this.#indexAt);
    this.#page = page.subarray(0, bytesRead - (bytesRead % RECORD_BYTES));
    this.#pageAt = 0;
    return this.#page.length > 0;
  }

  async #readChunk(
    bytes: FileHandle,
    record: ReturnType<typeof decodeRecord>,
    end: number,
  ): Promise<LogChunk | undefined> {
    const offset = this.offset;
    const data = Buffer.alloc(Math.min(end - offset, MAX_CHUNK_BYTES));
    const { bytesRead } = await bytes.read(data, 0, data.length, offset);
    // After a power cut the index may tell of bytes that never reached the disk.
    if (bytesRead === 0) return undefined;
    this.offset += bytesRead;
    return { stream: record.stream, time: record.time, offset, data: data.subarray(0, bytesRead) };
  }
}

async function openLog(folder: string): Promise<{ bytes: FileHandle; index: FileHandle } | undefined> {
  const index = await openIfThere(toIndexFile(folder));
  if (!index) return undefined;
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await index.read(header, 0, HEADER_BYTES, 0);
    const state = checkHeader(header.subarray(0, bytesRead));
    if (state === "newer")
      throw new SandboxError(
        "unsupported",
        `${toIndexFile(folder)} was written by a newer Sandpiper. Update Sandpiper.`,
      );
    if (state === "damaged")
      throw new SandboxError("invalid", `${toIndexFile(folder)} is damaged: the run's output cannot be shown.`);
    const bytes = state === "readable" ? await openIfThere(toBytesFile(folder)) : undefined;
    if (bytes) return { bytes, index };
  } catch (error) {
    await index.close();
    throw error;
  }
  await index.close();
  return undefined;
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Mends the log of a run whose writer was killed: drops half a record, and tells of bytes that no record tells of as
 * stdout. Resolves with the size of the log. Does nothing to a log that a newer Sandpiper wrote.
 */
export async function repairRunLog(folder: string, now: number): Promise<number> {
  let sizeBytes = 0;
  const reader = createRunLogReader(folder);
  try {
    for (let chunk = await reader.next(); chunk; chunk = await reader.next()) sizeBytes += chunk.data.length;
  } finally {
    await reader.close();
  }
  const written = await sizeOf(toBytesFile(folder));
  const indexed = await sizeOf(toIndexFile(folder));
  if (indexed < HEADER_BYTES) return sizeBytes;
  const whole = indexed - ((indexed - HEADER_BYTES) % RECORD_BYTES);
  await truncate(toIndexFile(folder), whole);
  if (written <= sizeBytes) return sizeBytes;
  const index = await open(toIndexFile(folder), "r+");
  try {
    await index.write(
      encodeRecord({ stream: "stdout", length: written - sizeBytes, time: now }),
      0,
      RECORD_BYTES,
      whole,
    );
  } finally {
    await index.close();
  }
  return written;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
