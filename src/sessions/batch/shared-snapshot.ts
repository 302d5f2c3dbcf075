import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import type { Manifest } from "../../snapshots/manifest.ts";
import { packStored } from "../../snapshots/archive/pack-stored.ts";
import type { ObjectStore } from "../../snapshots/store/object-store.ts";

/** A snapshot that many sandboxes are filled from: read once, packed once, and in memory once. */
export interface SharedSnapshot {
  readonly id: string;
  readonly tree: Manifest;
  readonly treeHash: string;
  readonly totalBytes: number;
  /** Paths that it could not hold. */
  readonly leftOut: readonly string[];
  /** Text of a file, "" for one that is not there. */
  readonly readText: (path: string) => Promise<string>;
  /** A tar of these paths of the tree, as often as it is asked for; what is asked for whole is packed into a file once. */
  readonly pack: (paths: readonly string[]) => AsyncIterable<Uint8Array>;
  /** Removes that file. */
  readonly dispose: () => Promise<void>;
}

/** What a shared snapshot is made from. */
export interface SharedSnapshotParts {
  readonly facts: Pick<SharedSnapshot, "id" | "tree" | "treeHash" | "totalBytes" | "leftOut">;
  readonly store: ObjectStore;
  /** Where the tar is kept meanwhile; its folder is there. */
  readonly packFile: string;
}

/** Whoever makes it disposes it. Nothing is packed before it is needed: a provider may have the files already. */
export function createSharedSnapshot({ facts, store, packFile }: SharedSnapshotParts): SharedSnapshot {
  const { tree } = facts;
  const texts = new Map<string, Promise<string>>();
  let packing: Promise<void> | undefined;
  const packOnce = (): Promise<void> => {
    packing ??= writePack(packStored({ manifest: tree, paths: [...tree.keys()], store }).tar, packFile);
    const own = packing;
    // What went wrong once may go well for the next.
    own.catch(() => {
      if (packing === own) packing = undefined;
    });
    return own;
  };
  const readPacked = async function* (): AsyncIterable<Uint8Array> {
    await packOnce();
    yield* createReadStream(packFile);
  };
  return {
    ...facts,
    readText: (path) => {
      const text = texts.get(path) ?? readText(tree, path, store);
      texts.set(path, text);
      return text;
    },
    pack: (paths) => (paths.length === tree.size ? readPacked() : packStored({ manifest: tree, paths, store }).tar),
    dispose: async () => {
      await packing?.catch(() => undefined);
      await rm(packFile, { force: true });
    },
  };
}

async function writePack(tar: AsyncIterable<Uint8Array>, file: string): Promise<void> {
  const temporary = `${file}.tmp`;
  try {
    const handle = await open(temporary, "w", 0o600);
    try {
      for await (const piece of tar) await handle.writeFile(piece);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function readText(tree: Manifest, path: string, store: ObjectStore): Promise<string> {
  const entry = tree.get(path);
  const pieces: Uint8Array[] = [];
  if (entry?.type === "file") for await (const piece of store.read(entry.sha256)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
