import { applyToDisk } from "../snapshots/apply-change.ts";
import { readDiskEntry } from "../snapshots/disk-entry.ts";
import { decide } from "../snapshots/merge.ts";
import type { ObjectStore } from "../snapshots/object-store.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import { comparePaths, toDisplay } from "../core/workspace-path.ts";
import type { ApplyResult, PathSelection } from "./engine.ts";
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

/** Holds each change against the disk as it is now; in path order. */
export async function reviewChanges(root: string, changes: readonly Change[]): Promise<readonly ReviewedChange[]> {
  const reviewed: ReviewedChange[] = [];
  for (const change of changes) reviewed.push(await review(root, change));
  return reviewed.sort((a, b) => comparePaths(a.path, b.path));
}

async function review(root: string, change: Change): Promise<ReviewedChange> {
  return { ...change, status: decide(change.base, await readDiskEntry(root, change.path), change.theirs) };
}

/** The pending changes that a selection means. @throws {SandboxError} `invalid` for a path that is no change of the run */
export function selectPending(changes: readonly Change[], paths: PathSelection): readonly Change[] {
  const pending = changes.filter(({ decision }) => decision === "pending");
  if (paths === "all") return pending;
  const known = new Set(changes.map(({ path }) => path));
  const unknown = paths.find((path) => !known.has(path));
  if (unknown !== undefined) throw new SandboxError("invalid", `The run did not change ${toDisplay(unknown)}.`);
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
  const selected = inOrderOfWriting(selectPending(request.changes, request.paths));
  const isHeld = ({ isProtected, path }: Change): boolean => isProtected && !named.has(path);
  const free = selected.filter((change) => !isHeld(change));
  const applied: string[] = [];
  const conflicts: string[] = [];
  const applyNext = async (change: Change): Promise<void> => {
    const isDone = await applyOne(request, change, overwrite.has(change.path));
    (isDone ? applied : conflicts).push(change.path);
    if (isDone) onDidApply(change.path);
  };
  for (const change of free.filter(isDeletion)) await applyNext(change);
  await forEachAtOnce(
    free.filter((change) => !isDeletion(change)),
    applyNext,
  );
  return {
    applied: applied.sort(comparePaths),
    conflicts: conflicts.sort(comparePaths),
    held: selected
      .filter(isHeld)
      .map(({ path }) => path)
      .sort(comparePaths),
  };
}

const isDeletion = ({ theirs }: Change): boolean => theirs === undefined;

/** Most files written at the same time: each waits for the disk, not for the processor. */
const WRITERS = 16;

async function forEachAtOnce<T>(items: readonly T[], handle: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const writers = Array.from({ length: WRITERS }, async () => {
    for (const item of rest) await handle(item);
  });
  // Every writer has ended before this does, so that nothing is written after a failure has been told.
  const failed = (await Promise.allSettled(writers)).find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

async function applyOne({ root, store }: ApplyRequest, change: Change, overwrites: boolean): Promise<boolean> {
  const ours = await readDiskEntry(root, change.path);
  const status = decide(change.base, ours, change.theirs);
  if (status === "same") return true;
  if (status === "conflict" && !overwrites) return false;
  return (await applyToDisk({ root, path: change.path, expected: ours, theirs: change.theirs, store })) === "applied";
}

// A file goes before the folder it was in, and before the folder that takes its place.
function inOrderOfWriting(changes: readonly Change[]): readonly Change[] {
  const ordered = [...changes].sort((a, b) => comparePaths(a.path, b.path));
  return [...ordered.filter(isDeletion).toReversed(), ...ordered.filter((change) => !isDeletion(change))];
}
