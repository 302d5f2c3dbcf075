import { lstatSync, realpathSync } from "node:fs";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { type FolderNode, hashNode, listRows } from "./folder-node.ts";
import type { Manifest } from "../manifest.ts";
import { layOverlays } from "./overlays.ts";
import { readScanCache, writeScanCache } from "./scan-cache.ts";
import type { Scan, ScanRequest, SkippedPath } from "./scanner.ts";
import { scanTree, startWalk, type Walk } from "./scan-tree.ts";
import { diffTrees, patchManifest, toTreeManifest } from "../tree-delta.ts";

/** A workspace as it is on screen. */
export interface View {
  /** With the overlays laid. */
  readonly root: FolderNode;
  /** Those that surprise come first. */
  readonly skipped: readonly SkippedPath[];
}

/** What is remembered of one workspace. */
interface Memory {
  readonly onDisk: FolderNode | undefined;
  readonly view: View | undefined;
  readonly manifest: Manifest;
}

// By cache file.
const memories = new Map<string, Memory>();

/**
 * One scan of everything, synchronously, in the thread that calls. The manifest is the same object as the last time when
 * nothing has changed.
 * @param now the time, in ms, that tells which files may be believed next time
 * @throws {SandboxError} when the workspace cannot be read
 */
export function scanWorkspace(request: ScanRequest, now: () => number = Date.now): Scan {
  const { cacheFile } = request;
  const memory = memories.get(cacheFile) ?? startMemory(cacheFile);
  const onDisk = lookAtWorkspace(request, enterWorkspace(request, now), memory.onDisk);
  if (onDisk !== memory.onDisk) writeScanCache(cacheFile, onDisk, "");
  const view = toView(request, onDisk);
  const manifest = toNextManifest(memory, view.root);
  memories.set(cacheFile, { onDisk, view, manifest });
  return { manifest, ...toRest(view), isVerified: true };
}

function startMemory(cacheFile: string): Memory {
  return { onDisk: readScanCache(cacheFile, ""), view: undefined, manifest: new Map() };
}

function toNextManifest({ view, manifest }: Memory, root: FolderNode): Manifest {
  if (!view) return toTreeManifest(root);
  const delta = diffTrees(view.root, root);
  return delta.size === 0 ? manifest : patchManifest(manifest, delta);
}

/** Starts a look at a workspace. @throws {SandboxError} when it is none, or cannot be read */
export function enterWorkspace(request: ScanRequest, now: () => number): Walk {
  return explain(request, () => {
    const root = realpathSync(request.root);
    if (!lstatSync(root).isDirectory()) throw new SandboxError("invalid", `${request.root} is not a folder.`);
    return startWalk(root, request.maxFileBytes, now);
  });
}

/**
 * Looks at all of a workspace.
 * @param known as it was the last time
 * @throws {SandboxError} when the workspace cannot be read
 */
export function lookAtWorkspace(request: ScanRequest, walk: Walk, known: FolderNode | undefined): FolderNode {
  return explain(request, () => scanTree(walk, known));
}

function explain<T>({ root }: ScanRequest, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof SandboxError) throw error;
    throw new SandboxError("unavailable", `The folder ${root} cannot be read: ${toMessage(error)}`, { cause: error });
  }
}

/** Lays the overlays over what is on disk. */
export function toView(request: ScanRequest, onDisk: FolderNode): View {
  const laid = layOverlays(request, onDisk);
  const rows = listRows(onDisk, "skipped", ({ listing, skipped }) => [...listing.skipped, ...skipped]);
  const byPath = new Map([...rows, ...laid.skipped].map((row) => [row.path, row]));
  return { root: laid.root, skipped: surprisingFirst([...byPath.values()]) };
}

/** What a view says besides its manifest. */
export function toRest({ root, skipped }: View): Pick<Scan, "skipped" | "notes" | "totalBytes" | "treeHash"> {
  const notes = listRows(root, "notes", ({ listing }) => listing.notes);
  return { skipped, notes, totalBytes: root.sums.bytes, treeHash: hashNode(root) };
}

/** What people would not expect comes first: lists are cut for display. */
function surprisingFirst(skipped: readonly SkippedPath[]): SkippedPath[] {
  return [...skipped.filter((row) => !isExpected(row)), ...skipped.filter(isExpected)];
}

function isExpected({ kind }: SkippedPath): boolean {
  return kind === "rule" || kind === "built-in";
}
