import { comparePaths } from "../core/workspace-path.ts";
import { isSameEntry, type Manifest } from "../snapshots/manifest.ts";

/** What a sandbox's files are planned from. */
export interface PushState {
  /** The workspace now. */
  readonly local: Manifest;
  /** The workspace as it was at the last push. */
  readonly pushed: Manifest;
  /** What the sandbox is known to hold: pushed and brought back. */
  readonly known: Manifest;
  /** Paths that get the workspace's version whatever else is said: discarded, or a push of them was cut short. */
  readonly resend: ReadonlySet<string>;
}

/** Both lists in the order of `comparePaths`. */
export interface PushPlan {
  readonly send: readonly string[];
  readonly deletes: readonly string[];
}

/**
 * What to send so that the sandbox has the user's latest, and what runs made there stays: a path is touched only when
 * it differs and either the workspace's version moved since the last push or the path is in `resend`.
 */
export function planPush(state: PushState): PushPlan {
  const send = new Set<string>();
  const deletes = new Set<string>();
  for (const path of state.local.keys()) if (isDue(state, path)) send.add(path);
  for (const path of state.known.keys()) if (!state.local.has(path) && isDue(state, path)) deletes.add(path);
  // A push that was cut short may have brought what nobody knows of.
  for (const path of state.resend) if (!state.local.has(path)) deletes.add(path);
  // Most pushes of a large workspace have nothing to do.
  if (send.size === 0 && deletes.size === 0) return { send: [], deletes: [] };
  clearTheWay(state, send, deletes);
  addEmptiedFolders(state, deletes);
  return { send: [...send].sort(comparePaths), deletes: withoutNested(deletes) };
}

function isDue({ local, pushed, known, resend }: PushState, path: string): boolean {
  if (resend.has(path)) return true;
  const ours = local.get(path);
  return !isSameEntry(ours, known.get(path)) && !isSameEntry(ours, pushed.get(path));
}

// A file that a run made may stand where a folder is needed, and the other way round.
function clearTheWay({ known }: PushState, send: Set<string>, deletes: Set<string>): void {
  const folders = new Set<string>();
  for (const path of known.keys()) for (const parent of parentsOf(path)) folders.add(parent);
  for (const path of send) {
    if (folders.has(path)) deletes.add(path);
    const existing = known.get(path);
    if (existing && existing.type === "directory") deletes.add(path);
    for (const parent of parentsOf(path)) {
      const entry = known.get(parent);
      if (entry && entry.type !== "directory") deletes.add(parent);
    }
  }
}

// A folder whose last file goes away goes too, when the workspace has it no more; else it would look like one that a run made.
function addEmptiedFolders({ local, known }: PushState, deletes: Set<string>): void {
  if (deletes.size === 0) return;
  const needed = new Set(local.keys());
  for (const path of local.keys()) for (const parent of parentsOf(path)) needed.add(parent);
  for (const path of known.keys()) {
    if (isWithin(path, deletes)) continue;
    for (const parent of parentsOf(path)) needed.add(parent);
  }
  const named = Array.from(deletes);
  for (const path of named) {
    for (const parent of parentsOf(path)) {
      if (needed.has(parent)) break;
      deletes.add(parent);
    }
  }
}

// Deleting a folder deletes what is in it.
function withoutNested(deletes: ReadonlySet<string>): readonly string[] {
  return [...deletes].filter((path) => !parentsOf(path).some((parent) => deletes.has(parent))).sort(comparePaths);
}

/** Whether a path, or a folder that it is in, is one of `paths`. */
export function isWithin(path: string, paths: ReadonlySet<string>): boolean {
  return paths.has(path) || parentsOf(path).some((parent) => paths.has(parent));
}

/** The folders that a path is in, nearest first. */
export function parentsOf(path: string): readonly string[] {
  const parents: string[] = [];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) parents.push(path.slice(0, at));
  return parents;
}
