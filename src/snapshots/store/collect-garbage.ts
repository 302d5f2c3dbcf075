import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { DamagedFile } from "./block-reader.ts";
import { type PackFile, readPackFile, toPackedRow, toPacksFolder, toSha } from "./object-pack.ts";
import { removeUntouched, rewritePacks } from "./rewrite-pack.ts";
import { listFiles, listObjectFiles, readSizes, type StoreFile, type StoreFolders } from "./store-files.ts";
import { createTreeStore, type TreeStore } from "./tree-store.ts";

/** What has to stay: trees with all the contents that they name, and contents by themselves. */
export interface LiveSet {
  readonly treeHashes: Iterable<string>;
  readonly objects: Iterable<string>;
}

export interface GarbageOptions {
  /**
   * Whatever was written or vouched for within this time stays: somebody may be about to name it. Not less than an hour
   * where others may write meanwhile.
   */
  readonly graceMs?: number;
  readonly now?: () => number;
  /** Ends it early; nothing is lost by that. */
  readonly signal?: AbortSignal;
}

const GRACE_MS = 3_600_000;
/** A pack with less of its bytes alive than this is written anew. */
const SPARSE = 0.5;
/** A pack smaller than this goes together with others once there are many. */
const SMALL_BYTES = 1024 * 1024;
const MAX_SMALL_PACKS = 16;

interface Sweep {
  readonly folders: StoreFolders;
  readonly live: ReadonlySet<string>;
  readonly isOld: (file: StoreFile) => boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Removes trees that are not named, contents that neither a tree that stays nor `live` names, and what killed writers
 * left. May be killed at any moment: what is alive is at every one of them where it can be read.
 * @returns bytes that are free again
 * @throws {SandboxError} `unsupported` or `unavailable` when a tree that stays cannot be read: then no content is removed
 */
export async function collectGarbage(
  folders: StoreFolders,
  live: LiveSet,
  options: GarbageOptions = {},
): Promise<number> {
  const { graceMs = GRACE_MS, now = Date.now, signal } = options;
  const startedMs = now();
  const isOld = ({ mtimeNs }: StoreFile): boolean => startedMs - Number(mtimeNs) / 1e6 > graceMs;
  try {
    const before = await readSizes(folders);
    await sweepTrees(folders, new Set(live.treeHashes), isOld);
    // Only now: a tree that was saved meanwhile is among them.
    const objects = await readLiveObjects(folders, live, signal);
    const sweep = { folders, live: objects, isOld, signal };
    await sweepPacks(sweep);
    await sweepObjectFiles(sweep);
    const after = await readSizes(folders);
    return Math.max(0, before.objectBytes + before.treeBytes - after.objectBytes - after.treeBytes);
  } catch (cause) {
    if (cause instanceof SandboxError || signal?.aborted) throw cause;
    throw new SandboxError("unavailable", `Old snapshots could not be cleared away: ${toMessage(cause)}.`, { cause });
  }
}

async function sweepTrees(
  { store, trees }: StoreFolders,
  live: ReadonlySet<string>,
  isOld: (file: StoreFile) => boolean,
): Promise<void> {
  for (const folder of [store, trees])
    for (const file of await listFiles(folder)) if (file.name.endsWith(".tmp") && isOld(file)) remove(file);
  for (const file of await listFiles(trees))
    if (/^[0-9a-f]{64}$/.test(file.name) && !live.has(file.name) && isOld(file)) remove(file);
}

async function readLiveObjects(
  { trees: folder }: StoreFolders,
  live: LiveSet,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const objects = new Set(live.objects);
  const trees = createTreeStore(folder);
  for (const treeHash of await trees.list()) {
    signal?.throwIfAborted();
    for (const sha256 of await readObjects(trees, treeHash)) objects.add(sha256);
  }
  return objects;
}

async function readObjects(trees: TreeStore, treeHash: string): Promise<readonly string[]> {
  try {
    return await trees.readObjects(treeHash);
  } catch (error) {
    // One that is gone names nothing; a damaged one is, by now.
    if ((await trees.list()).includes(treeHash)) throw error;
    return [];
  }
}

/** Removes packs of which nothing is alive, and writes those anew of which little is, or which are small and many. */
async function sweepPacks({ folders, live, isOld, signal }: Sweep): Promise<void> {
  const files = (await listFiles(toPacksFolder(folders.store))).filter(({ name }) => name.endsWith(".pack"));
  const small = files.filter((file) => file.sizeBytes < SMALL_BYTES && isOld(file));
  const elsewhere = new Set<string>();
  const isAlive = (sha256: string): boolean => live.has(sha256) && !elsewhere.has(sha256);
  const rewritten: PackFile[] = [];
  // The newest first: what is there twice goes from the older one.
  for (const file of files.toSorted((a, b) => (a.name < b.name ? 1 : -1))) {
    signal?.throwIfAborted();
    const pack = readPack(file, isOld(file));
    if (!pack) continue;
    const share = isOld(file) ? toShare(pack, isAlive) : 1;
    const isMerged = small.length > MAX_SMALL_PACKS && small.includes(file);
    if (share === 0) remove(file);
    else if (share <= SPARSE || isMerged) rewritten.push(pack);
    else addAll(elsewhere, pack);
  }
  if (rewritten.length > 0) await rewritePacks(folders.store, rewritten, isAlive);
}

function addAll(set: Set<string>, pack: PackFile): void {
  for (let row = 0; row < pack.objectCount; row++) set.add(toSha(pack, row));
}

/** Undefined for one that is gone, of a newer version, or damaged: nobody can read what is in that, so that it goes. */
function readPack(file: StoreFile, isOld: boolean): PackFile | undefined {
  try {
    return readPackFile(file.file, file.name);
  } catch (error) {
    if (error instanceof DamagedFile && isOld) remove(file);
    return undefined;
  }
}

/** How much of a pack is alive, from 0 for nothing at all to 1. */
function toShare(pack: PackFile, isAlive: (sha256: string) => boolean): number {
  let aliveBytes = 0;
  let totalBytes = 0;
  for (let row = 0; row < pack.objectCount; row++) {
    // An empty file is something, too.
    const weight = toPackedRow(pack, row).length + 1;
    totalBytes += weight;
    if (isAlive(toSha(pack, row))) aliveBytes += weight;
  }
  return totalBytes === 0 ? 0 : aliveBytes / totalBytes;
}

async function sweepObjectFiles({ folders, live, isOld }: Sweep): Promise<void> {
  for (const file of await listObjectFiles(folders.store)) if (!live.has(file.name) && isOld(file)) remove(file);
}

/** What somebody vouched for since it was listed stays. */
function remove({ file, mtimeNs }: StoreFile): void {
  removeUntouched(file, mtimeNs);
}
