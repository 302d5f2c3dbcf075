import type { BigIntStats } from "node:fs";
import type { Entry } from "../manifest.ts";

/** What is known of one file: with these times and this size it has that content. */
export interface CachedFile {
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly entry: Extract<Entry, { type: "file" }>;
}

/**
 * Content changed within the same tick of the file system's clock as it was hashed leaves no trace in its times, so
 * that a file this fresh is hashed again next time (git's "racy" rule, Documentation/technical/racy-git.txt). 2 s
 * is the coarsest clock in use (FAT).
 */
const RACY_NS = 2_000_000_000n;

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
