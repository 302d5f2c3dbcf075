import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, fstatSync } from "node:fs";
import type { Entry } from "../manifest.ts";
import { isSameStat, openRegularFile, readInto, readWhole, toSha256, WHOLE_FILE_BYTES } from "../regular-file.ts";
import type { ObjectBatch } from "../store/object-store.ts";
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
 * @param keep gets the content as well
 */
export function packFile(file: string, path: string, keep: ObjectBatch | undefined): PackedFile | undefined {
  for (let tries = 1; ; tries++) {
    const opened = openRegularFile(file);
    if (!opened) return undefined;
    const { descriptor, stat } = opened;
    // The stream owns the descriptor from here on.
    if (stat.size > WHOLE_FILE_BYTES) return packPieces(descriptor, toAttributes(stat, path), Number(stat.size), keep);
    try {
      const content = readWhole(descriptor, Number(stat.size));
      const isOneState = isSameStat(stat, fstatSync(descriptor, { bigint: true }));
      if (isOneState || tries === MAX_TRIES) return packWhole(content, toAttributes(stat, path), keep);
    } finally {
      closeSync(descriptor);
    }
  }
}

function packWhole(content: Buffer, attributes: Attributes, keep: ObjectBatch | undefined): PackedFile {
  const { executable } = attributes;
  const entry = { type: "file", sha256: toSha256(content), sizeBytes: content.length, executable } as const;
  keep?.add(entry.sha256, content);
  return { input: { ...attributes, sizeBytes: content.length, content }, entry: () => entry };
}

/** A file that shrinks meanwhile is filled up with zeros, as the size has gone out before; the hash is of that. */
function packPieces(
  descriptor: number,
  attributes: Attributes,
  sizeBytes: number,
  keep: ObjectBatch | undefined,
): PackedFile {
  const digest = createHash("sha256");
  let sha256 = "";
  function* read(): Iterable<Uint8Array> {
    const kept = keep?.openStream();
    let offset = 0;
    try {
      while (offset < sizeBytes) {
        const piece = Buffer.alloc(Math.min(PIECE_BYTES, sizeBytes - offset));
        readInto(descriptor, piece, offset);
        digest.update(piece);
        kept?.write(piece);
        offset += piece.length;
        yield piece;
      }
    } finally {
      // Whoever has got all that was wanted does not come back for the end.
      closeSync(descriptor);
      sha256 = digest.digest("hex");
      if (offset === sizeBytes) kept?.finish(sha256);
      else kept?.discard();
    }
  }
  return {
    input: { ...attributes, sizeBytes, content: read() },
    entry: () => ({ type: "file", sha256, sizeBytes, executable: attributes.executable }),
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
