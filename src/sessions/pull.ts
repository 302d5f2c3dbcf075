import type { Call } from "../core/call.ts";
import type { Sandbox, WorkspaceListing } from "../core/sandbox.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { IgnoreRules } from "../snapshots/rules/ignore-rules.ts";
import { type Entry, isSameEntry, type Manifest, toManifest } from "../snapshots/manifest.ts";
import { planChanges } from "../snapshots/changes/merge.ts";
import type { ObjectStore } from "../snapshots/store/object-store.ts";
import { receiveTar } from "../snapshots/archive/receive.ts";
import type { TarLimits } from "../snapshots/archive/tar-reader.ts";
import { isMarker } from "./native/marker.ts";
import { proposeChanges } from "./propose-changes.ts";
import type { Change } from "./records.ts";
import { type SessionFiles, toLatest } from "./session-files.ts";

/** What bringing files back needs besides the sandbox. */
export interface PullDeps {
  readonly store: ObjectStore;
  readonly rules: IgnoreRules;
  readonly limits: TarLimits;
  /** Files that are for the sandbox alone. */
  readonly leaveOut: ReadonlySet<string>;
}

// A failure loses one batch, not all of it.
const BATCH_PATHS = 4000;

/**
 * Brings what commands changed in the sandbox into the store and into `files.known`. Resolves with notes for people on
 * what was not brought back. When it rejects, `files` holds what had come by then, and `isUnchecked` stays true.
 * Call it under the session's lock.
 */
export async function pullFiles(
  sandbox: Sandbox,
  files: SessionFiles,
  deps: PullDeps,
  call: Call,
): Promise<readonly string[]> {
  const listing = await sandbox.list(call);
  const present = new Set(listing.paths);
  const candidates = listCandidates(listing, files, deps);
  const notes: string[] = [];
  for (let at = 0; at < candidates.length; at += BATCH_PATHS) {
    const batch = candidates.slice(at, at + BATCH_PATHS);
    const { entries, refused } = await receiveTar(sandbox.collect(batch, call), deps.store, deps.limits);
    const refusedPaths = new Set(refused.map(({ path }) => path));
    recordBatch(files, batch, withoutIgnoredFolders(entries, deps.rules), refusedPaths);
    for (const { path, reason } of refused) notes.push(`${toDisplay(path)} was not brought back: ${reason}`);
  }
  const folders = foldersOf(listing.paths);
  forgetGone(files, present, folders);
  return notes;
}

function forgetGone(files: SessionFiles, present: ReadonlySet<string>, folders: ReadonlySet<string>): void {
  // A folder that has something in it is told of by what is in it; a file or link in its place is no more.
  const gone = [...files.known.keys()].filter((path) => !present.has(path) || folders.has(path));
  if (gone.length === 0) return;
  const known = new Map(files.known);
  for (const path of gone) known.delete(path);
  files.known = known;
}

function listCandidates(listing: WorkspaceListing, files: SessionFiles, deps: PullDeps): readonly string[] {
  const folders = foldersOf(listing.paths);
  const touched = new Set(listing.touched);
  return listing.paths.filter((path) => {
    if (folders.has(path) || deps.leaveOut.has(path) || isMarker(path)) return false;
    if (files.known.has(path)) return touched.has(path);
    return !deps.rules.isIgnored(path, false);
  });
}

function foldersOf(paths: readonly string[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    const at = path.lastIndexOf("/");
    if (at > 0) folders.add(path.slice(0, at));
  }
  return folders;
}

// Whether a path is a folder is known only now, and some rules hold for folders alone.
function withoutIgnoredFolders(entries: ReadonlyMap<string, Entry>, rules: IgnoreRules): ReadonlyMap<string, Entry> {
  return new Map([...entries].filter(([path, entry]) => entry.type !== "directory" || !rules.isIgnored(path, true)));
}

function recordBatch(
  files: SessionFiles,
  batch: readonly string[],
  entries: ReadonlyMap<string, Entry>,
  refused: ReadonlySet<string>,
): void {
  const known = new Map(files.known);
  for (const path of batch) {
    const entry = entries.get(path);
    if (entry) known.set(path, entry);
    else if (!refused.has(path)) known.delete(path);
  }
  files.known = toLatest(files.known, toManifest(known));
}

/**
 * What changed in the sandbox since `before`, held against the workspace as it was last pushed; in path order. What is
 * as it was pushed is no change, whatever happened in between.
 */
export async function toChanges(before: Manifest, files: SessionFiles, store: ObjectStore): Promise<readonly Change[]> {
  const planned = planChanges(files.pushed, files.known).filter(
    ({ path }) => !isSameEntry(before.get(path), files.known.get(path)),
  );
  return await proposeChanges(planned, store);
}
