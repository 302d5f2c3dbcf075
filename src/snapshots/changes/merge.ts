import { comparePaths } from "../../core/workspace-path.ts";
import { diffManifests, type Entry, isSameEntry, type Manifest } from "../manifest.ts";

/** One path that a run changed. */
export interface PlannedChange {
  readonly path: string;
  readonly kind: "added" | "modified" | "deleted";
  /** As it was sent. */
  readonly base?: Entry;
  /** As it is in the sandbox. */
  readonly theirs?: Entry;
}

/**
 * What happened between two states, in path order. A folder that is no longer empty, or that became so, is told of by
 * what is in it. To apply them all, take the deletions first, last path first: a file may stand where a folder was.
 */
export function planChanges(base: Manifest, now: Manifest): PlannedChange[] {
  const { added, changed, deleted } = diffManifests(base, now);
  const toChange = (path: string, kind: PlannedChange["kind"]): PlannedChange => {
    const before = base.get(path);
    const after = now.get(path);
    return { path, kind, ...(before ? { base: before } : {}), ...(after ? { theirs: after } : {}) };
  };
  const changes = [
    ...added.filter((path) => !isFolderIn(base, now.get(path), path)).map((path) => toChange(path, "added")),
    ...changed.map((path) => toChange(path, "modified")),
    ...deleted.filter((path) => !isFolderIn(now, base.get(path), path)).map((path) => toChange(path, "deleted")),
  ];
  return changes.sort((a, b) => comparePaths(a.path, b.path));
}

/**
 * What to do about a path that had `base` when it was sent, has `ours` on disk now and came back as `theirs`. `same`: the
 * disk has it already. A folder in the place of a file that is new does not count: it is replaced only when it is empty.
 */
export function decide(
  base: Entry | undefined,
  ours: Entry | undefined,
  theirs: Entry | undefined,
): "ready" | "same" | "conflict" {
  if (isSameEntry(ours, theirs)) return "same";
  if (isSameEntry(ours, base)) return "ready";
  return base === undefined && ours?.type === "directory" ? "ready" : "conflict";
}

function isFolderIn(manifest: Manifest, entry: Entry | undefined, path: string): boolean {
  return entry?.type === "directory" && hasBelow(manifest, path);
}

function hasBelow(manifest: Manifest, folder: string): boolean {
  const prefix = `${folder}/`;
  for (const path of manifest.keys()) if (path.startsWith(prefix)) return true;
  return false;
}
