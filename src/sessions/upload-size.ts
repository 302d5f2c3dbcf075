import type { Manifest } from "../snapshots/manifest.ts";

interface Node {
  readonly path: string;
  sizeBytes: number;
  readonly children: Map<string, Node>;
}

/** A folder in which one thing is this much of it says less than that thing. */
const MOST = 0.8;
const MAX_ROWS = 10;

/** Of the files, uncompressed. */
export function sumSizes(manifest: Manifest, paths: Iterable<string>): number {
  let total = 0;
  for (const path of paths) total += toSize(manifest, path);
  return total;
}

/** What takes most: folders (ending in "/") and files, none within another, largest first, at most 10. */
export function findLargest(
  manifest: Manifest,
  paths: Iterable<string>,
): readonly { readonly path: string; readonly sizeBytes: number }[] {
  const root: Node = { path: "", sizeBytes: 0, children: new Map() };
  for (const path of paths) place(root, path, toSize(manifest, path));
  return [...root.children.values()]
    .map(narrow)
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, MAX_ROWS)
    .map(({ path, sizeBytes, children }) => ({ path: children.size > 0 ? `${path}/` : path, sizeBytes }));
}

function toSize(manifest: Manifest, path: string): number {
  const entry = manifest.get(path);
  return entry?.type === "file" ? entry.sizeBytes : 0;
}

function place(root: Node, path: string, sizeBytes: number): void {
  let node = root;
  for (const name of path.split("/")) {
    const found = node.children.get(name);
    const child = found ?? {
      path: node.path === "" ? name : `${node.path}/${name}`,
      sizeBytes: 0,
      children: new Map(),
    };
    if (!found) node.children.set(name, child);
    child.sizeBytes += sizeBytes;
    node = child;
  }
}

function narrow(node: Node): Node {
  for (const child of node.children.values()) if (child.sizeBytes >= MOST * node.sizeBytes) return narrow(child);
  return node;
}
