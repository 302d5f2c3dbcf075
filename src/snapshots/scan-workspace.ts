import { lstatSync, realpathSync } from "node:fs";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { KnownListings } from "./folder-listing.ts";
import { layOverlays } from "./overlays.ts";
import { type Entry, isSameEntry, type Manifest, toManifest } from "./manifest.ts";
import type { Scan, ScanRequest, SkippedPath } from "./scanner.ts";
import { scanTree, type ScanTreeDeps, type TreeScan } from "./scan-tree.ts";
import { readStatCache, type StatCache, writeStatCache } from "./stat-cache.ts";

/** What the thread remembers of one workspace: what the cache file holds, and what only the memory does. */
interface Memory {
  readonly known: StatCache;
  readonly knownListings: KnownListings;
  /** The last scan's, in the order of the walk, and sorted. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly manifest: Manifest;
}

// By cache file. Listings save half of a scan, and are cheap to get again in a new process.
const memories = new Map<string, Memory>();

/**
 * One scan, synchronously, in the thread that calls. The manifest is the same object as the last time when nothing has
 * changed.
 * @param now the time, in ms, that tells which files may be believed next time
 * @throws {SandboxError} when the workspace cannot be read
 */
export function scanWorkspace(request: ScanRequest, now: () => number = Date.now): Scan {
  const memory = memories.get(request.cacheFile) ?? startMemory(request.cacheFile);
  const tree = scanRoot(request, { ...memory, now });
  if (tree.cacheChanged) writeStatCache(request.cacheFile, tree.cache);
  const notLaid = layOverlays(request, tree.entries);
  const { entries, listings, cache, notes } = tree;
  const manifest = isSameWalk(memory.entries, entries) ? memory.manifest : toManifest(entries);
  memories.set(request.cacheFile, { known: cache, knownListings: listings, entries, manifest });
  const skipped = new Map([...tree.skipped, ...notLaid].map((row) => [row.path, row]));
  return { manifest, skipped: surprisingFirst([...skipped.values()]), notes, totalBytes: countBytes(entries) };
}

function startMemory(cacheFile: string): Memory {
  return { known: readStatCache(cacheFile), knownListings: new Map(), entries: new Map(), manifest: toManifest([]) };
}

/** Another order counts as another walk: it costs no more than a sort. */
function isSameWalk(before: ReadonlyMap<string, Entry>, now: ReadonlyMap<string, Entry>): boolean {
  if (before.size !== now.size) return false;
  const others = before.entries();
  for (const [path, entry] of now) {
    const other = others.next().value;
    if (!other || other[0] !== path || !isSameEntry(other[1], entry)) return false;
  }
  return true;
}

function countBytes(entries: ReadonlyMap<string, Entry>): number {
  let totalBytes = 0;
  for (const entry of entries.values()) if (entry.type === "file") totalBytes += entry.sizeBytes;
  return totalBytes;
}

function scanRoot(request: ScanRequest, deps: ScanTreeDeps): TreeScan {
  try {
    const root = realpathSync(request.root);
    if (!lstatSync(root).isDirectory()) throw new SandboxError("invalid", `${request.root} is not a folder.`);
    return scanTree({ ...request, root }, deps);
  } catch (error) {
    if (error instanceof SandboxError) throw error;
    throw new SandboxError("unavailable", `The folder ${request.root} cannot be read: ${toMessage(error)}`, {
      cause: error,
    });
  }
}

/** What people would not expect comes first: lists are cut for display. */
function surprisingFirst(skipped: readonly SkippedPath[]): SkippedPath[] {
  return [...skipped.filter((row) => !isExpected(row)), ...skipped.filter(isExpected)];
}

function isExpected({ kind }: SkippedPath): boolean {
  return kind === "rule" || kind === "built-in";
}
