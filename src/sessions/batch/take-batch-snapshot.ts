import type { Call } from "../../core/call.ts";
import type { ObjectStore } from "../../snapshots/store/object-store.ts";
import type { Scanner } from "../../snapshots/scan/scanner.ts";
import { checkIsSent } from "../prepare-run.ts";
import type { RunRequest } from "../records.ts";
import { type StateFolder, toScanCacheFile } from "../state-folder.ts";
import { keepContents } from "../timeline/keep-contents.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { checkUpload, type UploadCheckDeps } from "../upload-check.ts";
import type { SharedSnapshotParts } from "./shared-snapshot.ts";

/** What taking a batch's snapshot needs. */
export interface BatchSnapshotDeps {
  readonly state: StateFolder;
  readonly scanner: Scanner;
  readonly store: ObjectStore;
  readonly timeline: Timeline;
  readonly uploads: UploadCheckDeps;
}

/** A snapshot that may be sent, and what its files are. */
export type BatchFiles = SharedSnapshotParts["facts"];

interface Named {
  readonly request: RunRequest;
  /** Keeps the snapshot from being removed while the batch goes on. */
  readonly name: string;
}

/**
 * Takes a snapshot of the workspace as it is on screen, or of the same files as the one that the request names, once what
 * is in it may be sent. @throws {BlockedUploadError} when it may not {@link SandboxError} `invalid` when it lacks what is to be run
 */
export async function takeBatchSnapshot(deps: BatchSnapshotDeps, named: Named, call: Call): Promise<BatchFiles> {
  const { request, name } = named;
  const { workspaceRoot, target, snapshotId } = request;
  const { tree, leftOut } =
    snapshotId === undefined
      ? await bringWorkspace(deps, request, call)
      : await open(deps, { request, snapshotId }, call);
  const moment = { tree, base: tree, workspaceRoot, cause: "push", envNames: [], leftOut, name, target } as const;
  const { id, treeHash, totalBytes } = await deps.timeline.record(moment);
  return { id, treeHash, totalBytes, tree, leftOut };
}

type Files = Pick<BatchFiles, "tree" | "leftOut">;

async function bringWorkspace(deps: BatchSnapshotDeps, request: RunRequest, call: Call): Promise<Files> {
  const { state, scanner, store, uploads } = deps;
  const { workspaceRoot, overlays, maxFileMiB } = request;
  const cacheFile = toScanCacheFile(state, workspaceRoot);
  const maxFileBytes = maxFileMiB * 1024 ** 2;
  const scan = await scanner.scan({ root: workspaceRoot, cacheFile, overlays, maxFileBytes, watch: true }, call.signal);
  checkIsSent(request, scan);
  const texts = overlays.filter(({ path }) => scan.manifest.has(path));
  const upload = { workspaceRoot, manifest: scan.manifest, paths: [...scan.manifest.keys()], overlays: texts };
  await checkUpload(uploads, upload, request, call);
  const tree = await keepContents(scan.manifest, { workspaceRoot, overlays }, store);
  // What changed after it was looked at is looked at as it was kept.
  if (tree !== scan.manifest)
    await checkUpload(uploads, { workspaceRoot, manifest: tree, paths: [...tree.keys()], overlays: [] }, request, call);
  return { tree, leftOut: scan.skipped.map(({ path }) => path) };
}

async function open(
  { timeline, uploads }: BatchSnapshotDeps,
  { request, snapshotId }: { readonly request: RunRequest; readonly snapshotId: string },
  call: Call,
): Promise<Files> {
  const tree = await timeline.readTree(snapshotId);
  checkIsSent(request, { manifest: tree, skipped: [] });
  const { workspaceRoot } = request;
  await checkUpload(uploads, { workspaceRoot, manifest: tree, paths: [...tree.keys()], overlays: [] }, request, call);
  return { tree, leftOut: await timeline.readLeftOut(snapshotId) };
}
