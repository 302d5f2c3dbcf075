import { stat } from "node:fs/promises";
import { applyToDisk, removeEmptyParents } from "../snapshots/changes/apply-change.ts";
import { readDiskEntry } from "../snapshots/changes/disk-entry.ts";
import type { HeldParent } from "../snapshots/changes/folder-handle.ts";
import { type Entry, isSameEntry } from "../snapshots/manifest.ts";
import { decide } from "../snapshots/changes/merge.ts";
import { mergeEntry } from "../snapshots/changes/merge-entry.ts";
import type { ObjectStore } from "../snapshots/store/object-store.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import { comparePaths, toDisplay } from "../core/workspace-path.ts";
import type { ApplyResult, PathSelection } from "./engine.ts";
import { forEachByFolder } from "./for-each-by-folder.ts";
import type { Change, ChangeCounts, ReviewedChange } from "./records.ts";

export function countChanges(changes: readonly Change[]): ChangeCounts {
  const count = (is: (change: Change) => boolean): number => changes.filter(is).length;
  return {
    added: count(({ kind }) => kind === "added"),
    modified: count(({ kind }) => kind === "modified"),
    deleted: count(({ kind }) => kind === "deleted"),
    pending: count(({ decision }) => decision === "pending"),
  };
}

/**
 * A folder that was renamed or is not mounted at present would be taken for one in which everything was deleted.
 * @throws {SandboxError} `unavailable`
 */
export async function checkIsThere(root: string): Promise<void> {
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory()) return;
  const message = `The workspace ${toDisplay(root)} is not there. Put it back and try again: the changes are kept.`;
  throw new SandboxError("unavailable", message);
}

/** Holds each change against the disk as it is now; in path order. The contents of merges go into the store. */
export async function reviewChanges(
  root: string,
  changes: readonly Change[],
  store: ObjectStore,
): Promise<readonly ReviewedChange[]> {
  const reviewed: ReviewedChange[] = [];
  await forEachByFolder(root, changes, async (change, parent) => {
    reviewed.push((await review({ root: parent, store }, change)).reviewed);
  });
  return reviewed.sort((a, b) => comparePaths(a.path, b.path));
}

/** A change as people see it, and what was on disk then. */
interface Review {
  readonly reviewed: ReviewedChange;
  readonly ours: Entry | undefined;
}

/** Those of the changes that the disk does not have already; in the order given. */
export async function withoutSame(root: string, changes: readonly Change[]): Promise<readonly Change[]> {
  const same = new Set<Change>();
  await forEachByFolder(root, changes, async (change, parent) => {
    if (isSameEntry(await readDiskEntry(parent, change.path), change.theirs)) same.add(change);
  });
  return changes.filter((change) => !same.has(change));
}

interface ReviewPlace {
  readonly root: string | HeldParent;
  readonly store: ObjectStore;
}

async function review({ root, store }: ReviewPlace, change: Change): Promise<Review> {
  const { path, base, theirs } = change;
  const ours = await readDiskEntry(root, path);
  const status = decide(base, ours, theirs);
  // What was decided is history: nobody writes it any more.
  if (status !== "conflict" || change.decision !== "pending") return { reviewed: { ...change, status }, ours };
  const merged = await mergeEntry({ root, path, base, ours, theirs, store });
  if (!merged) return { reviewed: { ...change, status }, ours };
  if (isSameEntry(merged, ours)) return { reviewed: { ...change, status: "same" }, ours };
  return { reviewed: { ...change, status: "merge", merged }, ours };
}

/** The pending changes that a selection means. @throws {SandboxError} `invalid` for a path that is none of them */
export function selectPending(changes: readonly Change[], paths: PathSelection): readonly Change[] {
  const pending = changes.filter(({ decision }) => decision === "pending");
  if (paths === "all") return pending;
  const known = new Set(changes.map(({ path }) => path));
  const unknown = paths.find((path) => !known.has(path));
  if (unknown !== undefined) throw new SandboxError("invalid", `${toDisplay(unknown)} is none of these changes.`);
  const named = new Set(paths);
  return pending.filter(({ path }) => named.has(path));
}

/** What to write into a workspace. */
export interface ApplyRequest {
  readonly root: string;
  readonly changes: readonly Change[];
  readonly paths: PathSelection;
  readonly overwrite: readonly string[];
  readonly store: ObjectStore;
}

/**
 * Writes the selected changes, each as a whole or not at all, deletions first. `onDidApply` is told of each as it is
 * done, so that a failure half-way leaves a true record.
 */
export async function applyChangesToDisk(
  request: ApplyRequest,
  onDidApply: (path: string) => void,
): Promise<ApplyResult> {
  const named = new Set(request.paths === "all" ? [] : request.paths);
  const overwrite = new Set(request.overwrite);
  const selected = selectPending(request.changes, request.paths);
  const isHeld = ({ isProtected, path }: Change): boolean => isProtected && !named.has(path);
  const free = selected.filter((change) => !isHeld(change));
  const outcomes: Record<Outcome, string[]> = { applied: [], merged: [], conflict: [], same: [] };
  const applyNext = async (change: Change, root: HeldParent): Promise<void> => {
    const outcome = await applyOne({ root, store: request.store }, change, overwrite.has(change.path));
    outcomes[outcome].push(change.path);
    if (outcome !== "conflict") onDidApply(change.path);
  };
  await forEachByFolder(request.root, free.filter(isDeletion), applyNext);
  await removeEmptied(request.root, outcomes.applied);
  await forEachByFolder(
    request.root,
    free.filter((change) => !isDeletion(change)),
    applyNext,
  );
  return {
    applied: [...outcomes.same, ...outcomes.applied, ...outcomes.merged].sort(comparePaths),
    merged: outcomes.merged.sort(comparePaths),
    conflicts: outcomes.conflict.sort(comparePaths),
    held: selected
      .filter(isHeld)
      .map(({ path }) => path)
      .sort(comparePaths),
  };
}

/** The folders that deletions left empty, each once. */
async function removeEmptied(root: string, deleted: readonly string[]): Promise<void> {
  const oneOfEach = new Map(deleted.map((path) => [path.slice(0, path.lastIndexOf("/") + 1), path]));
  for (const path of oneOfEach.values()) await removeEmptyParents(root, path);
}

const isDeletion = ({ theirs }: Change): boolean => theirs === undefined;

type Outcome = "applied" | "merged" | "conflict" | "same";

async function applyOne({ root, store }: ReviewPlace, change: Change, overwrites: boolean): Promise<Outcome> {
  const { reviewed, ours } = await review({ root, store }, change);
  if (reviewed.status === "same") return "same";
  if (reviewed.status === "conflict" && !overwrites) return "conflict";
  const { path } = change;
  const isMerge = reviewed.status === "merge" && !overwrites;
  const theirs = isMerge ? reviewed.merged : change.theirs;
  // Only what was looked at, or merged, is replaced.
  const outcome = await applyToDisk({ root, path, expected: ours, theirs, store });
  return outcome === "applied" && isMerge ? "merged" : outcome;
}
