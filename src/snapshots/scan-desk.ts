import type { FolderNode } from "./folder-node.ts";
import { readScanCache, writeScanCache } from "./scan-cache.ts";
import type { ScanNews, ScanRequest } from "./scanner.ts";
import { lookAtWorkspace, toRest, toView, type View } from "./scan-workspace.ts";
import { diffTrees, type TreeDelta, toTreeManifest } from "./tree-delta.ts";

/** What a thread needs that scans workspaces again and again. */
export interface ScanDeskDeps {
  readonly now: () => number;
  /** Names the code that judges names (see `readScanCache`). */
  readonly code: string;
}

/** Scans workspaces, one call at a time, and tells only what is new since the last one of the same cache file. */
export interface ScanDesk {
  /** @throws {SandboxError} when the workspace cannot be read */
  scan(request: ScanRequest): Promise<ScanNews>;
}

// Beyond this share of the entries, all of them are sent: patching costs more.
const MAX_DELTA_SHARE = 0.25;
const SAVE_AFTER_MS = 300;

/** What is remembered of one workspace. */
interface Memory {
  onDisk: FolderNode | undefined;
  told: View | undefined;
  saving: NodeJS.Timeout | undefined;
}

/** Makes the desk of one thread. */
export function createScanDesk({ now, code }: ScanDeskDeps): ScanDesk {
  const memories = new Map<string, Memory>();

  const recall = (cacheFile: string): Memory => {
    const found = memories.get(cacheFile);
    if (found) return found;
    const memory = { onDisk: readScanCache(cacheFile, code), told: undefined, saving: undefined };
    memories.set(cacheFile, memory);
    return memory;
  };
  // After the answer, and once for several scans in a row.
  const save = (cacheFile: string, memory: Memory): void => {
    memory.saving ??= setTimeout(() => {
      memory.saving = undefined;
      if (memory.onDisk) writeScanCache(cacheFile, memory.onDisk, code);
    }, SAVE_AFTER_MS).unref();
  };
  return {
    async scan(request) {
      const memory = recall(request.cacheFile);
      const onDisk = lookAtWorkspace(request, memory.onDisk, now);
      if (onDisk !== memory.onDisk) save(request.cacheFile, memory);
      memory.onDisk = onDisk;
      const view = toView(request, onDisk);
      const news = toNews(memory.told, view);
      memory.told = view;
      return { ...news, isVerified: true };
    },
  };
}

function toNews(told: View | undefined, view: View): Omit<ScanNews, "isVerified"> {
  const rest = toRest(view);
  if (!told) return { ...rest, manifest: toTreeManifest(view.root) };
  const delta = diffTrees(told.root, view.root);
  const skipped = isSameRows(told.skipped, view.skipped) ? "as before" : view.skipped;
  return { ...rest, skipped, manifest: toManifestNews(delta, view) };
}

function toManifestNews(delta: TreeDelta, { root }: View): ScanNews["manifest"] {
  if (delta.size === 0) return "as before";
  const manifest = delta.size > root.sums.entries * MAX_DELTA_SHARE ? toTreeManifest(root) : undefined;
  return manifest ?? { delta };
}

function isSameRows(a: View["skipped"], b: View["skipped"]): boolean {
  return a.length === b.length && a.every((row, at) => row.path === b[at]?.path && row.reason === b[at].reason);
}
