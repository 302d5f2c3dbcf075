import { comparePaths } from "../core/workspace-path.ts";
import type { Entry, Manifest } from "./manifest.ts";
import { toSha256 } from "./regular-file.ts";

/** A folder on its way to its hash. */
interface Folder {
  readonly entries: Map<string, Entry | Folder>;
}

const known = new WeakMap<Manifest, string>();

/**
 * Root hash of a manifest, in hex: a Merkle tree with a node per folder, after git's tree objects
 * (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects). A folder's hash is the sha-256 of its rows in the order of
 * their names as UTF-8 bytes, each `kind name NUL value LF`, where kind and value are `f`/`x` and the hash of the content,
 * `l` and the hash of the target, or `d` and the hash of the folder. Sizes are not in it: the content's hash says all.
 */
export function toTreeHash(manifest: Manifest): string {
  const found = known.get(manifest);
  if (found) return found;
  const root: Folder = { entries: new Map() };
  for (const [path, entry] of manifest) place(root, path, entry);
  const hash = hashFolder(root);
  known.set(manifest, hash);
  return hash;
}

/** Spares `toTreeHash` the work: whoever made the manifest knows its hash. */
export function noteTreeHash(manifest: Manifest, hash: string): void {
  known.set(manifest, hash);
}

function place(root: Folder, path: string, entry: Entry): void {
  const names = path.split("/");
  const last = names.pop() ?? "";
  let folder = root;
  for (const name of names) folder = enter(folder, name);
  if (entry.type === "directory") enter(folder, last);
  else folder.entries.set(last, entry);
}

function enter(folder: Folder, name: string): Folder {
  const found = folder.entries.get(name);
  if (found && "entries" in found) return found;
  const made: Folder = { entries: new Map() };
  folder.entries.set(name, made);
  return made;
}

function hashFolder({ entries }: Folder): string {
  return hashRows(Array.from(entries, ([name, entry]) => [name, "entries" in entry ? hashFolder(entry) : entry]));
}

/** A folder's hash from its rows, in any order: name -> what it is, or the hash of the folder that it is. */
export function hashRows(rows: Iterable<readonly [string, Entry | string]>): string {
  const sorted = [...rows].sort(([a], [b]) => comparePaths(a, b));
  return toSha256(sorted.map(([name, entry]) => toRow(name, entry)).join(""));
}

function toRow(name: string, entry: Entry | string): string {
  if (typeof entry === "string") return `d ${name}\0${entry}\n`;
  if (entry.type === "file") return `${entry.executable ? "x" : "f"} ${name}\0${entry.sha256}\n`;
  return entry.type === "link" ? `l ${name}\0${toSha256(entry.target)}\n` : `d ${name}\0${toSha256("")}\n`;
}
