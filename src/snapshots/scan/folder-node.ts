import { type KnownListing, type Listing, isKnownListing } from "./folder-listing.ts";
import type { Entry } from "../manifest.ts";
import type { SkippedPath } from "./scanner.ts";
import type { CachedFile } from "./stat-cache.ts";
import { hashRows } from "../tree-hash.ts";

/**
 * One folder as it was looked at, with what is below. It never changes: a look that finds nothing new gives the same
 * object again, so that two trees are compared, and hashed, where they differ and nowhere else.
 */
export interface FolderNode extends FolderParts {
  readonly sums: Sums;
}

/** What a folder node is made of. */
export interface FolderParts {
  /** A {@link KnownListing} when it holds for as long as the folder looks the same. */
  readonly listing: Listing | KnownListing;
  /** Files and links, by name. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Those of the files that hold for as long as they look the same. */
  readonly stats: ReadonlyMap<string, CachedFile>;
  readonly folders: ReadonlyMap<string, FolderNode>;
  /** Names of files that have other names too: a write through one of those is nothing that this folder sees. */
  readonly linked: readonly string[];
  /** What only a look at the thing itself tells; the rest is in the listing. */
  readonly skipped: readonly SkippedPath[];
}

/** Over a folder and all below it. */
export interface Sums {
  readonly folders: number;
  readonly entries: number;
  readonly bytes: number;
  readonly skipped: number;
  readonly notes: number;
  readonly linked: number;
  /** Folders with something that may not be believed next time. */
  readonly unsettled: number;
}

const NO_NAMES: Listing = {
  folders: [],
  others: [],
  skipped: [],
  notes: [],
  ignoreFiles: { gitignore: false, sandboxignore: false },
  rulesKey: "",
};

/** A folder without anything in it that nobody has looked at. */
export const EMPTY_FOLDER: FolderNode = toFolderNode({
  listing: NO_NAMES,
  entries: new Map(),
  stats: new Map(),
  folders: new Map(),
  linked: [],
  skipped: [],
});

const hashes = new WeakMap<FolderNode, string>();

/** The node for what was found: `known` itself when that says the same. */
export function toFolderNode(parts: FolderParts, known?: FolderNode): FolderNode {
  return known && isSameFolder(known, parts) ? known : { ...parts, sums: sumUp(parts) };
}

/** Parts are the same when they are the same objects: what is found unchanged is handed on. */
function isSameFolder(known: FolderNode, parts: FolderParts): boolean {
  return (
    known.listing === parts.listing &&
    isSameMap(known.entries, parts.entries) &&
    isSameMap(known.stats, parts.stats) &&
    isSameMap(known.folders, parts.folders) &&
    known.linked.join("/") === parts.linked.join("/") &&
    known.skipped.length === parts.skipped.length &&
    known.skipped.every((row, at) => row.path === parts.skipped[at]?.path && row.reason === parts.skipped[at].reason)
  );
}

function isSameMap<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [name, value] of b) if (a.get(name) !== value) return false;
  return true;
}

function sumUp(parts: FolderParts): Sums {
  const { listing, entries, stats, folders, linked, skipped } = parts;
  const sums = {
    folders: 1,
    entries: entries.size,
    bytes: 0,
    skipped: listing.skipped.length + skipped.length,
    notes: listing.notes.length,
    linked: linked.length,
    unsettled: isKnownListing(listing) ? 0 : 1,
  };
  let files = 0;
  for (const entry of entries.values()) {
    if (entry.type !== "file") continue;
    files++;
    sums.bytes += entry.sizeBytes;
  }
  if (files > stats.size) sums.unsettled = 1;
  for (const { sums: below } of folders.values()) {
    sums.folders += below.folders;
    sums.entries += below.entries;
    sums.bytes += below.bytes;
    sums.skipped += below.skipped;
    sums.notes += below.notes;
    sums.linked += below.linked;
    sums.unsettled += below.unsettled;
  }
  return sums;
}

/** Whether nothing of the folder is sent but itself. */
export function isHollow(node: FolderNode): boolean {
  return node.entries.size === 0 && node.folders.size === 0;
}

/** As `toTreeHash` of the manifest that the tree comes to. A node is hashed once. */
export function hashNode(node: FolderNode): string {
  const known = hashes.get(node);
  if (known !== undefined) return known;
  const rows: (readonly [string, Entry | string])[] = [...node.entries];
  for (const [name, below] of node.folders) rows.push([name, hashNode(below)]);
  const hash = hashRows(rows);
  hashes.set(node, hash);
  return hash;
}

/** The node at a path; undefined when no such folder is in the tree. */
export function findNode(root: FolderNode, path: string): FolderNode | undefined {
  let node: FolderNode | undefined = root;
  if (path !== "") for (const name of path.split("/")) node = node?.folders.get(name);
  return node;
}

/** The file or link at a path. */
export function findEntry(root: FolderNode, path: string): Entry | undefined {
  const slash = path.lastIndexOf("/");
  return findNode(root, slash < 0 ? "" : path.slice(0, slash))?.entries.get(path.slice(slash + 1));
}

/** The tree with another node at a path whose parent is in it; without one at undefined. */
export function withNode(root: FolderNode, path: string, node: FolderNode | undefined): FolderNode {
  if (path === "") return node ?? EMPTY_FOLDER;
  const slash = path.indexOf("/");
  const name = slash < 0 ? path : path.slice(0, slash);
  const folders = new Map(root.folders);
  const below = slash < 0 ? node : withNode(root.folders.get(name) ?? EMPTY_FOLDER, path.slice(slash + 1), node);
  if (below) folders.set(name, below);
  else folders.delete(name);
  // A name is one thing or the other.
  const entries = root.entries.has(name) ? new Map([...root.entries].filter(([own]) => own !== name)) : root.entries;
  return toFolderNode({ ...root, entries, folders }, root);
}

/** The tree with another entry at a path, whose folders are made where they are missing; without one at undefined. */
export function withEntry(root: FolderNode, path: string, entry: Entry | undefined): FolderNode {
  const slash = path.lastIndexOf("/");
  const folder = slash < 0 ? "" : path.slice(0, slash);
  const found = findNode(root, folder);
  if (!found && !entry) return root;
  const { entries, folders, ...rest } = found ?? EMPTY_FOLDER;
  const name = path.slice(slash + 1);
  const changed = { ...rest, entries: new Map(entries), folders: new Map(folders) };
  if (entry) changed.folders.delete(name);
  if (entry) changed.entries.set(name, entry);
  else changed.entries.delete(name);
  return withNode(root, folder, toFolderNode(changed));
}

/** Rows of a whole tree, the folder's own before those below it. */
export function listRows<T>(
  node: FolderNode,
  count: "skipped" | "notes",
  rows: (node: FolderNode) => readonly T[],
): T[] {
  const found: T[] = [];
  const visit = (at: FolderNode): void => {
    if (at.sums[count] === 0) return;
    for (const row of rows(at)) found.push(row);
    for (const below of at.folders.values()) visit(below);
  };
  visit(node);
  return found;
}

/** The folders for which `isAsked` is so of the sums, from the top. @param path of `node` */
export function listFolders(node: FolderNode, path: string, isAsked: (sums: Sums) => boolean): [string, FolderNode][] {
  const found: [string, FolderNode][] = [];
  const visit = (at: FolderNode, place: string): void => {
    if (!isAsked(at.sums)) return;
    found.push([place, at]);
    for (const [name, below] of at.folders) visit(below, place === "" ? name : `${place}/${name}`);
  };
  visit(node, path);
  return found;
}
