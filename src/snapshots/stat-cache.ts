import { type BigIntStats, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import type { Entry } from "./manifest.ts";
import { toSha256 } from "./regular-file.ts";

/** What is known of one file: with these times and this size it has that content. */
export interface CachedFile {
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly entry: Extract<Entry, { type: "file" }>;
}

/** Path relative to the workspace -> what is known of it. */
export type StatCache = ReadonlyMap<string, CachedFile>;

/**
 * Content changed within the same tick of the file system's clock as it was hashed leaves no trace in its times, so
 * that a file this fresh is hashed again next time (git's "racy" rule, Documentation/technical/racy-git.txt). 2 s
 * is the coarsest clock in use (FAT).
 */
const RACY_NS = 2_000_000_000n;

const MAGIC = "SPSTATS1";
const HEADER_BYTES = MAGIC.length + 64 + 8;
const ROW_BYTES = 8 * 4 + 32 + 1;

/** Whether a file looked at now may be believed to have this content whenever it looks the same again. */
export function isSettled(stat: BigIntStats, nowMs: number): boolean {
  const limit = BigInt(Math.floor(nowMs)) * 1_000_000n - RACY_NS;
  return stat.mtimeNs < limit && stat.ctimeNs < limit;
}

export function isSameFile(cached: CachedFile, stat: BigIntStats): boolean {
  return (
    cached.mtimeNs === stat.mtimeNs &&
    cached.ctimeNs === stat.ctimeNs &&
    cached.ino === stat.ino &&
    cached.entry.sizeBytes === Number(stat.size)
  );
}

/** An empty cache when the file is missing, damaged or of another version: that costs a full scan and nothing else. */
export function readStatCache(file: string): StatCache {
  try {
    return decode(readFileSync(file));
  } catch {
    return new Map();
  }
}

/** Replaces the file as a whole. Failing to is no error: the next scan is slower. */
export function writeStatCache(file: string, cache: StatCache): void {
  const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, encode(cache), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    rmSync(temporary, { force: true });
  }
}

/** Magic, sha-256 of the rest in hex, number of rows and length of the names, rows, names joined by NUL. Little-endian. */
function encode(cache: StatCache): Buffer {
  const names = Buffer.from([...cache.keys()].join("\0"));
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + cache.size * ROW_BYTES + names.length);
  bytes.writeUInt32LE(cache.size, HEADER_BYTES - 8);
  bytes.writeUInt32LE(names.length, HEADER_BYTES - 4);
  let offset = HEADER_BYTES;
  for (const row of cache.values()) {
    bytes.writeBigInt64LE(row.mtimeNs, offset);
    bytes.writeBigInt64LE(row.ctimeNs, offset + 8);
    bytes.writeBigUInt64LE(row.ino, offset + 16);
    bytes.writeDoubleLE(row.entry.sizeBytes, offset + 24);
    bytes.write(row.entry.sha256, offset + 32, "hex");
    bytes.writeUInt8(row.entry.executable ? 1 : 0, offset + 64);
    offset += ROW_BYTES;
  }
  names.copy(bytes, offset);
  bytes.write(MAGIC, 0, "latin1");
  bytes.write(toSha256(bytes.subarray(MAGIC.length + 64)), MAGIC.length, "latin1");
  return bytes;
}

function decode(bytes: Buffer): StatCache {
  const checksum = bytes.toString("latin1", MAGIC.length, MAGIC.length + 64);
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) throw new Error("another version");
  if (toSha256(bytes.subarray(MAGIC.length + 64)) !== checksum) throw new Error("damaged");
  const count = bytes.readUInt32LE(HEADER_BYTES - 8);
  const namesOffset = HEADER_BYTES + count * ROW_BYTES;
  const names = bytes.toString("utf8", namesOffset, namesOffset + bytes.readUInt32LE(HEADER_BYTES - 4)).split("\0");
  const cache = new Map<string, CachedFile>();
  for (let index = 0; index < count; index++) {
    const offset = HEADER_BYTES + index * ROW_BYTES;
    cache.set(names[index] ?? "", {
      mtimeNs: bytes.readBigInt64LE(offset),
      ctimeNs: bytes.readBigInt64LE(offset + 8),
      ino: bytes.readBigUInt64LE(offset + 16),
      entry: {
        type: "file",
        sha256: bytes.toString("hex", offset + 32, offset + 64),
        sizeBytes: bytes.readDoubleLE(offset + 24),
        executable: bytes.readUInt8(offset + 64) === 1,
      },
    });
  }
  return cache;
}
