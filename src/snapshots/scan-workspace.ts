import { lstatSync, realpathSync } from "node:fs";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import { layOverlays } from "./overlays.ts";
import { toManifest } from "./manifest.ts";
import type { Scan, ScanRequest, SkippedPath } from "./scanner.ts";
import { scanTree, type ScanTreeDeps, type TreeScan } from "./scan-tree.ts";
import { readStatCache, type StatCache, writeStatCache } from "./stat-cache.ts";

// Between scans the thread keeps what the file holds: reading it again costs as much as a tenth of a scan.
const caches = new Map<string, StatCache>();

/**
 * One scan, synchronously, in the thread that calls.
 * @param now the time, in ms, that tells which files may be believed next time
 * @throws {SandboxError} when the workspace cannot be read
 */
export function scanWorkspace(request: ScanRequest, now: () => number = Date.now): Scan {
  const known = caches.get(request.cacheFile) ?? readStatCache(request.cacheFile);
  const tree = scanRoot(request, { known, now });
  caches.set(request.cacheFile, tree.cache);
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
