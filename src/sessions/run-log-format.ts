import { join } from "node:path";

/*
 * A run's output on disk: `output.bin` holds every byte of both streams in the order in which they came; `output.idx`
 * says which byte belongs to which stream. The index is a 16-byte header ("SANDPIPERLOG", then the version as a 32-bit
 * number) followed by 16-byte records: stream (1 byte), 3 bytes of zero, length (32 bit), milliseconds since 1970
 * (64-bit float). All numbers are little-endian. Bytes are written before the record that tells of them, so that a
 * writer killed at any moment leaves a log that can be read; what follows the last whole record is not yet said.
 */

export type LogStream = "stdout" | "stderr";

/** Output of one stream. `offset` is the place of its first byte in the whole log. */
export interface LogChunk {
  readonly stream: LogStream;
  readonly data: Uint8Array;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

export const HEADER_BYTES = 16;
export const RECORD_BYTES = 16;

const MAGIC = "SANDPIPERLOG";
const VERSION = 1;

export function toBytesFile(folder: string): string {
  return join(folder, "output.bin");
}

export function toIndexFile(folder: string): string {
  return join(folder, "output.idx");
}

export function encodeHeader(): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(VERSION, MAGIC.length);
  return header;
}

/** What a header says: readable, or why not. A file shorter than a header is "new": its writer has just begun. */
export function checkHeader(header: Uint8Array): "readable" | "new" | "newer" | "damaged" {
  const bytes = Buffer.from(header);
  if (bytes.length < HEADER_BYTES) return "new";
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return "damaged";
  return bytes.readUInt32LE(MAGIC.length) > VERSION ? "newer" : "readable";
}

/** One record of the index. */
export interface LogRecord {
  readonly stream: LogStream;
  readonly length: number;
  readonly time: number;
}

export function encodeRecord(record: LogRecord): Uint8Array {
  const bytes = Buffer.alloc(RECORD_BYTES);
  bytes.writeUInt8(record.stream === "stdout" ? 1 : 2, 0);
  bytes.writeUInt32LE(record.length, 4);
  bytes.writeDoubleLE(record.time, 8);
  return bytes;
}

/** The record at `at`; the caller knows that it is there whole. */
export function decodeRecord(bytes: Buffer, at: number): LogRecord {
  return {
    stream: bytes.readUInt8(at) === 2 ? "stderr" : "stdout",
    length: bytes.readUInt32LE(at + 4),
    time: bytes.readDoubleLE(at + 8),
  };
}
