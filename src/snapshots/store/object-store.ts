import { SandboxError } from "../../core/sandbox-error.ts";
import { hasCode } from "../changes/folder-handle.ts";
import { type Content, createObjectBatch, type ObjectBatch, type Written } from "./object-batch.ts";
import { damaged, openObjectFile, readObjectFile, toNewer, toObjectFile, unreadable } from "./object-file.ts";
import { ObjectIndex } from "./object-index.ts";
import { PackReader } from "./object-pack-reader.ts";
import { rewritePacks } from "./rewrite-pack.ts";
import { vouchForFile } from "./vouch.ts";

export type { ObjectBatch } from "./object-batch.ts";

/**
 * Contents of files, kept under their sha-256 (in hex): small ones many to a file, large ones in a file each. Safe for
 * several writers and readers at once, in any process.
 */
export interface ObjectStore {
  /** Whether it is kept; then it is also safe from garbage collection for a while. */
  has(sha256: string): Promise<boolean>;
  /** Keeps one content. For many, {@link ObjectStore.openBatch} is far faster. @throws {SandboxError} `unavailable`; what `content` throws */
  put(content: Content): Promise<Written>;
  /**
   * The content, checked; up to 1 MiB before any of it comes out, else it ends with an error, so take nothing for good
   * before the end. @throws {SandboxError} `not-found`; `unavailable` for a damaged object, which is kept no more
   */
  read(sha256: string): AsyncIterable<Uint8Array>;
  /** For many objects at once: one file, written in one go. The caller ends it, by `finish` or `discard`. */
  openBatch(): ObjectBatch;
}

/** A store in a folder that need not exist yet. Every file is written beside its place, and moved there once it is on the disk. */
export function createObjectStore(folder: string): ObjectStore {
  const index = new ObjectIndex(folder);
  const packs = new PackReader();
  const openBatch = (): ObjectBatch => createObjectBatch(folder, index);
  return {
    async has(sha256) {
      const file = toObjectFile(folder, sha256);
      index.refresh();
      return index.vouch(sha256) || vouchForFile(file);
    },
    async put(content) {
      const batch = openBatch();
      try {
        const written = await batch.put(content);
        await batch.finish();
        return written;
      } finally {
        await batch.discard();
      }
    },
    read: (sha256) => read({ folder, index, packs }, sha256),
    openBatch,
  };
}

interface Reading {
  readonly folder: string;
  readonly index: ObjectIndex;
  readonly packs: PackReader;
}

async function* read(reading: Reading, sha256: string): AsyncIterable<Uint8Array> {
  const file = toObjectFile(reading.folder, sha256);
  const packed = await readPacked(reading, sha256);
  if (packed instanceof Uint8Array) {
    yield packed;
    return;
  }
  const handle = await openObjectFile(file);
  if (handle) {
    yield* readObjectFile(handle, file, sha256);
    return;
  }
  if (packed === "damaged") throw damaged();
  if (reading.index.hasNewer) throw toNewer();
  throw new SandboxError("not-found", "The content of that file is no longer kept. Run again to get it.");
}

/** Tries again after a look at what is on disk now: somebody else may have written, rewritten or removed packs. */
async function readPacked(reading: Reading, sha256: string): Promise<Buffer | "damaged" | "missing"> {
  const first = await tryPacked(reading, sha256);
  if (first instanceof Uint8Array) return first;
  reading.index.refresh(true);
  const second = await tryPacked(reading, sha256);
  if (first === "damaged" && second === "missing") return first;
  return second;
}

async function tryPacked({ folder, index, packs }: Reading, sha256: string): Promise<Buffer | "damaged" | "missing"> {
  const found = index.find(sha256);
  if (!found) return "missing";
  try {
    const content = await packs.read(sha256, found);
    if (content) return content;
    // What else is in there stays. Where nothing can be written the next who reads will try.
    await rewritePacks(folder, [found.pack], () => true).catch(() => {});
    return "damaged";
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "missing";
    throw unreadable(error);
  }
}
