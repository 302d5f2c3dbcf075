import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, fstatSync } from "node:fs";
import type { Entry } from "./manifest.ts";
import { isSameStat, openRegularFile, readInto, readWhole, toSha256, WHOLE_FILE_BYTES } from "./regular-file.ts";
import type { TarInput } from "./tar-writer.ts";

/** Something to write into an archive, and what it then was. */
export interface PackedFile {
  readonly input: TarInput;
  /** To be asked once the content has been read. */
  entry(): Entry | undefined;
}

const MAX_TRIES = 3;
const PIECE_BYTES = 1024 * 1024;

/**
 * Reads a file for an archive: at once and in one state when it is small; piece by piece, at the size that it had at the
 * start, when it is large. Undefined when it is no regular file any more. @throws what `open` and `read` do
 */
export function packFile(file: string, path: string): PackedFile | undefined {
  for (let tries = 1; ; tries++) {
    const opened = openRegularFile(file);
    if (!opened) return undefined;
    const { descriptor, stat } = opened;
    // The stream owns the descriptor from here on.
    if (stat.size > WHOLE_FILE_BYTES) return packPieces(descriptor, stat, path);
    try {
      const content = readWhole(descriptor, Number(stat.size));
      const isOneState = isSameStat(stat, fstatSync(descriptor, { bigint: true }));
      if (isOneState || tries === MAX_TRIES) return packWhole(content, stat, path);
    } finally {
      closeSync(descriptor);
    }
  }
}

function packWhole(content: Buffer, stat: BigIntStats, path: string): PackedFile {
  const attributes = toAttributes(stat, path);
  const entry: Entry = {
    type: "file",
    sha256: toSha256(content),
    sizeBytes: content.length,
    executable: attributes.executable,
  };
  return { input: { ...attributes, sizeBytes: content.length, content }, entry: () => entry };
}

/** A file that shrinks meanwhile is filled up with zeros, as the size has gone out before; the hash is of that. */
function packPieces(descriptor: number, stat: BigIntStats, path: string): PackedFile {
  const attributes = toAttributes(stat, path);
  const sizeBytes = Number(stat.size);
  const digest = createHash("sha256");
  function* read(): Iterable<Uint8Array> {
    try {
      for (let offset = 0; offset < sizeBytes;) {
        const piece = Buffer.alloc(Math.min(PIECE_BYTES, sizeBytes - offset));
        readInto(descriptor, piece, offset);
        digest.update(piece);
        offset += piece.length;
        yield piece;
      }
    } finally {
      closeSync(descriptor);
    }
  }
  return {
    input: { ...attributes, sizeBytes, content: read() },
    entry: () => ({ type: "file", sha256: digest.digest("hex"), sizeBytes, executable: attributes.executable }),
  };
}

interface Attributes {
  readonly path: string;
  readonly type: "file";
  readonly executable: boolean;
  readonly mtimeSeconds: number;
}

function toAttributes(stat: BigIntStats, path: string): Attributes {
  const executable = (stat.mode & 0o100n) !== 0n;
  return { path, type: "file", executable, mtimeSeconds: Number(stat.mtimeNs) / 1e9 };
}
