import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import {
  ARCHIVE_HEAD,
  type ArchiveHead,
  type ArchiveNote,
  decodeHead,
  FILES_PREFIX,
  MAX_HEAD_BYTES,
  noArchive,
} from "./archive-head.ts";
import { hasCode } from "../changes/folder-handle.ts";
import { type Entry, type Manifest, toManifest } from "../manifest.ts";
import type { ObjectBatch, ObjectStore } from "../store/object-store.ts";
import { readTar, type TarEntry, type TarLimits } from "./tar-reader.ts";
import { toTreeHash } from "../tree-hash.ts";

/** A snapshot that came in one file; its contents are in the store. */
export interface ReadArchive {
  readonly manifest: Manifest;
  /** As the file has it: it may say anything. */
  readonly note: ArchiveNote;
}

/**
 * Takes in a file that `writeArchive` wrote, on whatever machine. Nothing is kept of one that is refused, but for large
 * contents, which go with the garbage.
 * @throws {SandboxError} `not-found`, `unavailable`; `invalid` for a file that is no such archive, damaged, or changed by
 * hand; `unsupported` for one of a newer version; `blocked` beyond a limit
 */
export async function readArchive(file: string, store: ObjectStore, limits: TarLimits): Promise<ReadArchive> {
  const batch = store.openBatch();
  try {
    const read = await pipeline(createReadStream(file), createZstdDecompress(), (tar: AsyncIterable<Uint8Array>) =>
      readEntries(tar, batch, limits),
    );
    await batch.finish();
    return read;
  } catch (cause) {
    throw toReadError(file, cause);
  } finally {
    await batch.discard();
  }
}

async function readEntries(
  tar: AsyncIterable<Uint8Array>,
  batch: ObjectBatch,
  limits: TarLimits,
): Promise<ReadArchive> {
  let head: ArchiveHead | undefined;
  const entries: [string, Entry][] = [];
  for await (const entry of readTar(tar, limits)) {
    if (head) entries.push([toPath(entry), await toStored(entry, batch)]);
    else head = await readHead(entry);
    await batch.room();
  }
  if (!head) throw noArchive();
  const manifest = toManifest(entries);
  if (toTreeHash(manifest) !== head.treeHash) throw damaged();
  return { manifest, note: head.note };
}

async function readHead(entry: TarEntry): Promise<ArchiveHead> {
  if (entry.type !== "file" || entry.path !== ARCHIVE_HEAD || entry.sizeBytes > MAX_HEAD_BYTES) throw noArchive();
  const parts: Uint8Array[] = [];
  for await (const part of entry.content) parts.push(part);
  return decodeHead(Buffer.concat(parts));
}

function toPath({ path }: TarEntry): string {
  if (path.startsWith(FILES_PREFIX)) return path.slice(FILES_PREFIX.length);
  throw new SandboxError("invalid", `That file holds ${toDisplay(path)}, which is no part of a snapshot.`);
}

async function toStored(entry: TarEntry, batch: ObjectBatch): Promise<Entry> {
  if (entry.type === "link") return { type: "link", target: entry.target };
  if (entry.type === "directory") return { type: "directory" };
  if (entry.type === "file") return { type: "file", ...(await batch.put(entry.content)), executable: entry.executable };
  const message = `The snapshot in that file cannot be had here: ${toDisplay(entry.path)} is refused, as ${entry.reason}.`;
  throw new SandboxError("invalid", message);
}

function toReadError(file: string, cause: unknown): SandboxError {
  if (cause instanceof SandboxError) return cause;
  if (hasCode(cause, "ENOENT", "ENOTDIR")) return new SandboxError("not-found", `There is no ${file}.`, { cause });
  if (hasCode(cause, "ZSTD_error_prefix_unknown")) return noArchive(cause);
  if (cause instanceof Error && "code" in cause && /^Z(?:STD)?_/.test(String(cause.code))) return damaged(cause);
  return new SandboxError("unavailable", `${file} could not be read: ${toMessage(cause)}.`, { cause });
}

function damaged(cause?: unknown): SandboxError {
  const message = "The snapshot in that file is damaged, or was changed by hand. Nothing was taken from it.";
  return new SandboxError("invalid", message, { cause });
}
