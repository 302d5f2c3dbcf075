import { findNode, type FolderNode, listFolders, withNode } from "./folder-node.ts";
import { enterFolder, type FolderRules, type IgnoreFiles, readRootRules } from "../rules/ignore-rules.ts";
import { look } from "../look.ts";
import { lookAtFolder, scanFolder, type Walk } from "./scan-tree.ts";
import { isSameFile } from "./stat-cache.ts";
import { diffTrees } from "../tree-delta.ts";
import type { Hints } from "./watch-workspace.ts";

// Beyond that, a look at everything is no dearer.
const MAX_FOLDERS = 1000;

/**
 * Looks again where something happened and where nobody would have told. The folders that are new go to `onEnter` before
 * they are looked at. Undefined when only a look at everything will do.
 * @throws what `lstat` and `readdir` do, of a folder that went meanwhile
 */
export function lookAgain(walk: Walk, onDisk: FolderNode, hints: Hints, hot: Hints): FolderNode | undefined {
  // Rules come from outside of the workspace too, where nobody listens.
  if (readRootRules(walk.root, onDisk.listing.ignoreFiles).key !== onDisk.listing.rulesKey) return undefined;
  const paths = findPlaces(walk, onDisk, hints, hot);
  if (paths.size > MAX_FOLDERS) return undefined;
  let root = onDisk;
  // A folder comes before what is in it.
  for (const path of [...paths].sort((a, b) => a.length - b.length)) {
    const known = findNode(root, path);
    if (!known) continue;
    const found = lookAtPlace(walk, { root, path, known }, hints.get(path));
    if (found.listing.rulesKey !== known.listing.rulesKey || isLinkedAnew(known, found)) return undefined;
    root = withNode(root, path, found);
  }
  return root;
}

/** Where to look: where something happened, and where nobody would tell or the last look came too soon. */
export function findPlaces(walk: Walk, onDisk: FolderNode, hints: Hints, hot: Hints): ReadonlySet<string> {
  const paths = new Set(hints.keys());
  for (const [path, { sums, folders }] of listFolders(onDisk, "", ({ unsettled }) => unsettled > 0)) {
    let below = 0;
    for (const node of folders.values()) below += node.sums.unsettled;
    if (sums.unsettled > below) paths.add(path);
  }
  for (const [path, node] of listFolders(onDisk, "", ({ linked }) => linked > 0))
    if (node.linked.some((name) => hasChanged(walk, path, name, node))) paths.add(path);
  for (const [path, names] of hot) {
    const node = findNode(onDisk, path);
    if (node && [...names].some((name) => hasChanged(walk, path, name, node))) paths.add(path);
  }
  return paths;
}

/** Of names that are no believed file (a folder, a large one, one that is gone) the folder's own events tell. */
function hasChanged({ root }: Walk, path: string, name: string, { stats }: FolderNode): boolean {
  const known = stats.get(name);
  if (!known) return false;
  const stat = look(`${root}/${path === "" ? "" : `${path}/`}${name}`);
  return !stat?.isFile() || !isSameFile(known, stat);
}

interface Spot {
  readonly root: FolderNode;
  readonly path: string;
  readonly known: FolderNode;
}

function lookAtPlace(walk: Walk, { root, path, known }: Spot, renamed: ReadonlySet<string> | undefined): FolderNode {
  const toRules = (files: IgnoreFiles): FolderRules => readRules(walk.root, root, path, files);
  return lookAtFolder(walk, { path, known, toRules }, (name, rules) => {
    const kept = known.folders.get(name);
    if (kept && !renamed?.has(name)) return kept;
    return scanFolder(walk, {
      path: path === "" ? name : `${path}/${name}`,
      known: kept,
      toRules: (files) => enterFolder(walk.root, rules, name, files),
    });
  });
}

/** The rules in a folder, from the ignore files above it that the tree knows of. */
function readRules(root: string, tree: FolderNode, path: string, files: IgnoreFiles): FolderRules {
  if (path === "") return readRootRules(root, files);
  const names = path.split("/");
  let node: FolderNode | undefined = tree;
  let rules = readRootRules(root, tree.listing.ignoreFiles);
  for (const [at, name] of names.entries()) {
    node = node?.folders.get(name);
    rules = enterFolder(root, rules, name, at === names.length - 1 ? files : node?.listing.ignoreFiles);
  }
  return rules;
}

/** Whether a file turned out to have other names, one of which may be anywhere in the tree and taken for its only one. */
function isLinkedAnew(known: FolderNode, found: FolderNode): boolean {
  return found.sums.linked > known.sums.linked || found.linked.some((name) => !known.linked.includes(name));
}

/**
 * Looks at everything again, in steps, so that others may have their turn in between. Each folder goes to `onEnter`
 * before it is looked at.
 * @returns the tree as it is then
 * @throws what `lstat` and `readdir` do, of a folder that went meanwhile
 */
export function* lookAtAll(walk: Walk, onDisk: FolderNode): Generator<void, FolderNode> {
  return yield* lookBelow(walk, { path: "", known: onDisk }, (files) => readRootRules(walk.root, files));
}

function* lookBelow(
  walk: Walk,
  { path, known }: Pick<Spot, "path" | "known">,
  toRules: (files: IgnoreFiles) => FolderRules,
): Generator<void, FolderNode> {
  walk.onEnter?.(path);
  const kept: { name: string; node: FolderNode; rules: FolderRules }[] = [];
  let found = lookAtFolder(walk, { path, known, toRules }, (name, rules) => {
    const node = known.folders.get(name);
    const place = path === "" ? name : `${path}/${name}`;
    if (node) kept.push({ name, node, rules });
    return (
      node ??
      scanFolder(walk, { path: place, known: node, toRules: (files) => enterFolder(walk.root, rules, name, files) })
    );
  });
  yield;
  for (const { name, node, rules } of kept) {
    const place = path === "" ? name : `${path}/${name}`;
    const below = yield* lookBelow(walk, { path: place, known: node }, (files) =>
      enterFolder(walk.root, rules, name, files),
    );
    if (below !== node) found = withNode(found, name, below);
  }
  return found;
}

/**
 * A path that is not the same in both trees though neither an event nor anything else would have led there: what tells
 * that the watcher is not to be trusted.
 * @param places where something told to look
 */
export function findUntold(
  hinted: FolderNode,
  verified: FolderNode,
  places: ReadonlySet<string>,
  hints: Hints,
): string | undefined {
  for (const path of diffTrees(hinted, verified).keys()) {
    const names = path.split("/");
    const isTold = names.some((name, at) => {
      const folder = names.slice(0, at).join("/");
      return (at === names.length - 1 && places.has(folder)) || hints.get(folder)?.has(name);
    });
    // An empty folder stands for what is not in it.
    if (!isTold && !places.has(path)) return path;
  }
  return undefined;
}
