import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { SandboxError } from "../core/sandbox-error.ts";
import { look } from "./look.ts";
import type { Manifest } from "./manifest.ts";
import { readManifest, writeManifest } from "./manifest-file.ts";
import { toTreeHash } from "./tree-hash.ts";

/** The manifests of snapshots, kept under their root hash. Safe for several writers and readers at once. */
export interface TreeStore {
  /** Keeps it, once, and says under which hash. @throws {SandboxError} `unavailable` when it cannot be written */
  save(manifest: Manifest): Promise<string>;
  /** @throws {SandboxError} `not-found`; `unavailable` for a damaged one, which is removed */
  read(treeHash: string): Promise<Manifest>;
  list(): Promise<readonly string[]>;
  /** Idempotent. */
  remove(treeHash: string): Promise<void>;
}

/** @param folder need not exist yet */
export function createTreeStore(folder: string): TreeStore {
  const fileOf = (treeHash: string): string => {
    if (!/^[0-9a-f]{64}$/.test(treeHash)) throw new SandboxError("invalid", "That is not the name of a snapshot.");
    return join(folder, treeHash);
  };
  return {
    async save(manifest) {
      const treeHash = toTreeHash(manifest);
      const file = fileOf(treeHash);
      if (!look(file)) await writeManifest(file, manifest);
      return treeHash;
    },
    async read(treeHash) {
      const file = fileOf(treeHash);
      const manifest = await readManifest(file);
      if (toTreeHash(manifest) === treeHash) return manifest;
      await rm(file, { force: true });
      throw new SandboxError("unavailable", "The list of that snapshot's files was damaged on disk.");
    },
    async list() {
      return (await readdir(folder).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name));
    },
    remove: async (treeHash) => await rm(fileOf(treeHash), { force: true }),
  };
}
