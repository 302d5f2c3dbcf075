import { type FileHandle, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { DamagedFile, NewerFile } from "./block-reader.ts";
import { hasCode } from "../changes/folder-handle.ts";
import type { Manifest } from "../manifest.ts";
import { readTreeFile, readTreeObjects, writeTreeFile } from "./tree-file.ts";
import { toTreeHash } from "../tree-hash.ts";
import { vouchForFile } from "./vouch.ts";

/** The manifests of snapshots, kept under their root hash. Safe for several writers and readers at once. */
export interface TreeStore {
  /** Keeps it, once, and says under which hash. @throws {SandboxError} `unavailable` when it cannot be written */
  save(manifest: Manifest): Promise<string>;
  /**
   * @throws {SandboxError} `not-found`; `unavailable` for a damaged one, which is removed; `unsupported` for one that a
   * newer version wrote
   */
  read(treeHash: string): Promise<Manifest>;
  /** The contents that it names. @throws as `read` does */
  readObjects(treeHash: string): Promise<readonly string[]>;
  list(): Promise<readonly string[]>;
  /** Idempotent. */
  remove(treeHash: string): Promise<void>;
}

/** @param folder need not exist yet */
export function createTreeStore(folder: string): TreeStore {
  return {
    async save(manifest) {
      const treeHash = toTreeHash(manifest);
      const file = toTreeFile(folder, treeHash);
      if (!vouchForFile(file)) await save(folder, file, manifest);
      return treeHash;
    },
    async read(treeHash) {
      return await reading(toTreeFile(folder, treeHash), async (handle) => {
        const manifest = await readTreeFile(handle);
        if (toTreeHash(manifest) !== treeHash) throw new DamagedFile();
        return manifest;
      });
    },
    readObjects: async (treeHash) => await reading(toTreeFile(folder, treeHash), readTreeObjects),
    async list() {
      return (await readdir(folder).catch(() => [])).filter((name) => isTreeHash(name));
    },
    remove: async (treeHash) => await rm(toTreeFile(folder, treeHash), { force: true }),
  };
}

function isTreeHash(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** Where a tree is, or would be. @throws {SandboxError} `invalid` when that is no hash */
function toTreeFile(folder: string, treeHash: string): string {
  if (!isTreeHash(treeHash)) throw new SandboxError("invalid", "That is not the name of a snapshot.");
  return join(folder, treeHash);
}

async function save(folder: string, file: string, manifest: Manifest): Promise<void> {
  try {
    await writeTreeFile(folder, file, manifest);
  } catch (cause) {
    const message = `A snapshot could not be kept: ${toMessage(cause)}. Free some space and try again.`;
    throw new SandboxError("unavailable", message, { cause });
  }
}

async function reading<T>(file: string, read: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, "r");
    return await read(handle);
  } catch (cause) {
    if (hasCode(cause, "ENOENT", "ENOTDIR"))
      throw new SandboxError("not-found", "The list of that snapshot's files is no longer kept.", { cause });
    if (cause instanceof NewerFile)
      throw new SandboxError(
        "unsupported",
        "That snapshot was taken by a newer version of Sandpiper. Update this one.",
      );
    if (!(cause instanceof DamagedFile)) throw unreadable(cause);
    await rm(file, { force: true });
    throw new SandboxError("unavailable", "The list of that snapshot's files was damaged on disk.");
  } finally {
    await handle?.close();
  }
}

function unreadable(cause: unknown): SandboxError {
  return new SandboxError("unavailable", `A snapshot could not be read: ${toMessage(cause)}. Try again.`, { cause });
}
