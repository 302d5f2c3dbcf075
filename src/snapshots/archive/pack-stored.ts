import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import type { Entry, Manifest } from "../manifest.ts";
import { BLOCK_BYTES } from "../store/object-block.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Pack } from "./pack.ts";
import { type TarInput, writeTar } from "./tar-writer.ts";

/** What to pack out of the store. */
export interface StoredPackRequest {
  readonly manifest: Manifest;
  /** Those that are not in the manifest are passed over. */
  readonly paths: readonly string[];
  readonly store: ObjectStore;
}

/**
 * Packs paths of a manifest with the contents that the store has of them; there is never anything to update. The archive
 * ends with an error that names the file when a content is missing or damaged.
 */
export function packStored(request: StoredPackRequest): Pack {
  return { tar: writeTar(readStored(request)), updates: Promise.resolve(new Map()) };
}

/** What `packStored` packs. @throws {SandboxError} while being read */
export async function* readStored({ manifest, paths, store }: StoredPackRequest): AsyncIterable<TarInput> {
  for (const path of paths) {
    const entry = manifest.get(path);
    if (entry?.type === "file") yield await readFile(store, path, entry);
    else if (entry) yield { ...entry, path };
  }
}

type File = Extract<Entry, { type: "file" }>;

async function readFile(store: ObjectStore, path: string, file: File): Promise<Extract<TarInput, { type: "file" }>> {
  const { sizeBytes, executable } = file;
  const content = readNamed(store, path, file);
  if (sizeBytes > BLOCK_BYTES) return { path, type: "file", sizeBytes, executable, content };
  // What is small comes in one piece, and goes into the archive as that.
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  const [only = Buffer.alloc(0)] = pieces;
  return { path, type: "file", sizeBytes, executable, content: pieces.length > 1 ? Buffer.concat(pieces) : only };
}

/** Errors say which file they are about. */
async function* readNamed(store: ObjectStore, path: string, { sha256, sizeBytes }: File): AsyncIterable<Uint8Array> {
  let left = sizeBytes;
  try {
    for await (const piece of store.read(sha256)) {
      left -= piece.length;
      if (left < 0) break;
      yield piece;
    }
  } catch (cause) {
    if (!(cause instanceof SandboxError)) throw cause;
    throw new SandboxError(cause.code, `${toDisplay(path)}: ${cause.message}`, { cause });
  }
  // An archive would be filled up, or cut, to what was announced.
  if (left !== 0) throw new SandboxError("unavailable", `${toDisplay(path)} is not kept as the snapshot has it.`);
}
