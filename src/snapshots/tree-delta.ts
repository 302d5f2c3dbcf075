import { comparePaths } from "../core/workspace-path.ts";
import { EMPTY_FOLDER, type FolderNode, isHollow } from "./scan/folder-node.ts";
import { type Entry, isSameEntry, type Manifest } from "./manifest.ts";

/** Path -> its new entry, undefined for one that goes. In no order. */
export type TreeDelta = ReadonlyMap<string, Entry | undefined>;

const FOLDER: Entry = { type: "directory" };

/** What leads from the manifest of one tree to that of another; looks only where they are not the same objects. */
export function diffTrees(before: FolderNode, after: FolderNode): TreeDelta {
  const delta = new Map<string, Entry | undefined>();
  compare(delta, "", before, after);
  return delta;
}

// What goes comes first: its name may be that of something else by now.
function compare(delta: Map<string, Entry | undefined>, prefix: string, before: FolderNode, after: FolderNode): void {
  if (before === after) return;
  for (const name of before.entries.keys()) if (!after.entries.has(name)) delta.set(prefix + name, undefined);
  for (const [name, node] of before.folders) if (!after.folders.has(name)) enter(delta, prefix + name, node, undefined);
  for (const [name, entry] of after.entries)
    if (!isSameEntry(before.entries.get(name), entry)) delta.set(prefix + name, entry);
  for (const [name, node] of after.folders) enter(delta, prefix + name, before.folders.get(name), node);
}

function enter(
  delta: Map<string, Entry | undefined>,
  path: string,
  before: FolderNode | undefined,
  after: FolderNode | undefined,
): void {
  if (before === after) return;
  const wasEntry = before !== undefined && isHollow(before);
  const isEntry = after !== undefined && isHollow(after);
  if (wasEntry !== isEntry) delta.set(path, isEntry ? FOLDER : undefined);
  compare(delta, `${path}/`, before ?? EMPTY_FOLDER, after ?? EMPTY_FOLDER);
}

/** The manifest of a tree. */
export function toTreeManifest(root: FolderNode): Manifest {
  const manifest = new Map<string, Entry>();
  addSorted(manifest, "", root);
  return manifest;
}

/** Sorting each folder is a third of the work of sorting all paths. */
function addSorted(manifest: Map<string, Entry>, prefix: string, node: FolderNode): void {
  const rows: { readonly key: string; readonly name: string; readonly what: Entry | FolderNode }[] = [];
  for (const [name, what] of node.entries) rows.push({ key: name, name, what });
  // A folder's place is that of what is in it.
  for (const [name, what] of node.folders) rows.push({ key: isHollow(what) ? name : `${name}/`, name, what });
  rows.sort((a, b) => comparePaths(a.key, b.key));
  for (const { name, what } of rows) {
    if ("type" in what) manifest.set(prefix + name, what);
    else if (isHollow(what)) manifest.set(prefix + name, FOLDER);
    else addSorted(manifest, `${prefix}${name}/`, what);
  }
}

/** The manifest with the changes made; the one given stays as it is. */
export function patchManifest(manifest: Manifest, delta: TreeDelta): Manifest {
  const patched = new Map(manifest);
  const added: [string, Entry][] = [];
  for (const [path, entry] of delta) {
    if (entry === undefined) patched.delete(path);
    else if (patched.has(path)) patched.set(path, entry);
    else added.push([path, entry]);
  }
  return added.length === 0 ? patched : merge(patched, added);
}

function merge(manifest: Manifest, added: [string, Entry][]): Manifest {
  added.sort(([a], [b]) => comparePaths(a, b));
  const merged = new Map<string, Entry>();
  let at = 0;
  for (const [path, entry] of manifest) {
    for (let next = added[at]; next && comparePaths(next[0], path) < 0; next = added[++at]) merged.set(...next);
    merged.set(path, entry);
  }
  for (const rest of added.slice(at)) merged.set(...rest);
  return merged;
}
