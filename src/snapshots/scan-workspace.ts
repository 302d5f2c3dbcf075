import { lstatSync, realpathSync } from "node:fs";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { KnownListings } from "./folder-listing.ts";
import { layOverlays } from "./overlays.ts";
import { toManifest } from "./manifest.ts";
import type { Scan, ScanRequest, SkippedPath } from "./scanner.ts";
import { scanTree, type ScanTreeDeps, type TreeScan } from "./scan-tree.ts";
import { readStatCache, type StatCache, writeStatCache } from "./stat-cache.ts";

/** What the thread remembers of one workspace: what the cache file holds, and what only the memory does. */
interface Memory {
  readonly known: StatCache;
  readonly knownListings: KnownListings;
}

// By cache file. Listings save half of a scan, and are cheap to get again in a new process.
const memories = new Map<string, Memory>();

/**
 * One scan, synchronously, in the thread that calls.
 * @param now the time, in ms, that tells which files may be believed next time
 * @throws {SandboxError} when the workspace cannot be read
 */
export function scanWorkspace(request: ScanRequest, now: () => number = Date.now): Scan {
  const memory = memories.get(request.cacheFile) ?? {
    known: readStatCache(request.cacheFile),
    knownListings: new Map(),
  };
  const tree = scanRoot(request, { ...memory, now });
  memories.set(request.cacheFile, { known: tree.cache, knownListings: tree.listings });
  if (tree.cacheChanged) writeStatCache(request.cacheFile, tree.cache);
  const skipped = new Map([...tree.skipped, ...layOverlays(request, tree.entries)].map((row) => [row.path, row]));
  let totalBytes = 0;
  for (const entry of tree.entries.values()) if (entry.type === "file") totalBytes += entry.sizeBytes;
  return {
    manifest: toManifest(tree.entries),
    skipped: surprisingFirst([...skipped.values()]),
    notes: tree.notes,
    totalBytes,
  };
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
