import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { createHash, hash } from "node:crypto";

/** Up to here a file is read in one go; beyond it in pieces of this size. */
export const WHOLE_FILE_BYTES = 8 * 1024 * 1024;

const PIECE_BYTES = 1024 * 1024;

// Neither follows a link nor waits for the other end of a pipe that took the file's place.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** What a file was while it was read; `moved` when it changed meanwhile. */
export interface HashedFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** As the file was before the first byte was read. */
  readonly stat: BigIntStats;
  readonly moved: boolean;
}

/** Opens a regular file; undefined when the path is none (any more). The caller closes it. @throws what `open` does */
export function openRegularFile(file: string): { descriptor: number; stat: BigIntStats } | undefined {
  const descriptor = openSync(file, FLAGS);
  const stat = fstatSync(descriptor, { bigint: true });
  if (stat.isFile()) return { descriptor, stat };
  closeSync(descriptor);
  return undefined;
}

/** sha-256 of a regular file, synchronously. Undefined when it is none. @throws what `open` and `read` do */
export function hashFile(file: string): HashedFile | undefined {
  const opened = openRegularFile(file);
  if (!opened) return undefined;
  const { descriptor, stat } = opened;
  try {
    const content = stat.size <= WHOLE_FILE_BYTES ? readWhole(descriptor, Number(stat.size)) : undefined;
    const hashed = content ? { sha256: toSha256(content), sizeBytes: content.length } : hashPieces(descriptor);
    return { ...hashed, stat, moved: !isSameStat(stat, fstatSync(descriptor, { bigint: true })) };
  } finally {
    closeSync(descriptor);
  }
}

/** Whether a file is, as far as the file system can tell, untouched between two looks. */
export function isSameStat(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/** At most `sizeBytes` from the start; less when the file has shrunk. */
export function readWhole(descriptor: number, sizeBytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(sizeBytes);
  return buffer.subarray(0, readInto(descriptor, buffer, 0));
}

/** Fills `buffer` from `position` on, and returns how much of it: less only where the file ends. */
export function readInto(descriptor: number, buffer: Buffer, position: number): number {
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(descriptor, buffer, length, buffer.length - length, position + length);
    if (count === 0) break;
    length += count;
  }
  return length;
}

/** sha-256 in hex. */
export function toSha256(content: Uint8Array | string): string {
  return hash("sha256", content, "hex");
}

function hashPieces(descriptor: number): { sha256: string; sizeBytes: number } {
  const digest = createHash("sha256");
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  let sizeBytes = 0;
  for (;;) {
    const count = readInto(descriptor, buffer, sizeBytes);
    if (count === 0) return { sha256: digest.digest("hex"), sizeBytes };
    digest.update(buffer.subarray(0, count));
    sizeBytes += count;
  }
}
