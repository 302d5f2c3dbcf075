import { realpath } from "node:fs/promises";
import { type Entry, type Manifest, toManifest } from "../../snapshots/manifest.ts";
import type { ObjectStore } from "../../snapshots/store/object-store.ts";
import { packFiles } from "../../snapshots/archive/pack.ts";
import type { Overlay } from "../records.ts";

/** Where contents that the store lacks can be had. */
export interface ContentSource {
  readonly workspaceRoot: string;
  readonly overlays: readonly Overlay[];
}

/** Paths of a manifest whose contents the store does not have, in its order. */
export async function findMissing(
  manifest: Manifest,
  store: ObjectStore,
  known?: Manifest,
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const [path, entry] of manifest) {
    // What was complete a moment ago need not be looked up again.
    if (entry.type === "file" && known?.get(path) !== entry && !(await store.has(entry.sha256))) missing.push(path);
  }
  return missing;
}

/**
 * Brings the contents of a workspace that the store lacks into it. Resolves with the manifest of what is kept: a file that
 * changed meanwhile is in it as it is now, one that went is not.
 * @throws {SandboxError} `unavailable` when the disk does not take it
 */
export async function keepContents(manifest: Manifest, source: ContentSource, store: ObjectStore): Promise<Manifest> {
  const paths = await findMissing(manifest, store);
  if (paths.length === 0) return manifest;
  const batch = store.openBatch();
  try {
    const root = await realpath(source.workspaceRoot);
    const pack = packFiles({ root, manifest, paths, overlays: source.overlays, keep: batch });
    for await (const _piece of pack.tar) await batch.room();
    await batch.finish();
    return withUpdates(manifest, await pack.updates);
  } finally {
    await batch.discard();
  }
}

function withUpdates(manifest: Manifest, updates: ReadonlyMap<string, Entry | undefined>): Manifest {
  if (updates.size === 0) return manifest;
  const entries = new Map(manifest);
  for (const [path, entry] of updates) {
    if (entry) entries.set(path, entry);
    else entries.delete(path);
  }
  return toManifest(entries);
}
