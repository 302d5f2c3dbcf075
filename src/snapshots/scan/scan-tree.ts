import { type BigIntStats, lstatSync, readlinkSync } from "node:fs";
import {
  findFaithfulDevice,
  findIgnoreFiles,
  isKnownListing,
  isSameListing,
  type Listing,
  readFolder,
  toKnownListing,
  toListing,
} from "./folder-listing.ts";
import { EMPTY_FOLDER, type FolderNode, toFolderNode } from "./folder-node.ts";
import { enterFolder, type FolderRules, type IgnoreFiles, readRootRules } from "../rules/ignore-rules.ts";
import type { Entry } from "../manifest.ts";
import { hashFile } from "../regular-file.ts";
import type { SkippedPath } from "./scanner.ts";
import { type CachedFile, isSameFile, isSettled } from "./stat-cache.ts";

/** What a look at a workspace needs. */
export interface Walk {
  /** Absolute, without links in it. */
  readonly root: string;
  /** Larger files are skipped. */
  readonly maxFileBytes: number;
  /** The time, in ms, that tells what may be believed next time. */
  readonly now: () => number;
  /** The device whose folders' times can be believed. */
  readonly faithfulDevice: bigint | undefined;
  /** Called with the path of each folder that is looked at with all below it, before that. */
  readonly onEnter?: (path: string) => void;
}

/** One folder to look at. */
export interface Place {
  /** Relative to the workspace; "" for itself. */
  readonly path: string;
  /** As it was the last time. */
  readonly known: FolderNode | undefined;
  /** The rules in it, given which ignore files it has. */
  readonly toRules: (files: IgnoreFiles) => FolderRules;
}

/** Gives the node of a folder in the one that is looked at. @throws what `lstat` and `readdir` do */
export type LookBelow = (name: string, rules: FolderRules) => FolderNode;

interface Found {
  readonly entries: Map<string, Entry>;
  readonly stats: Map<string, CachedFile>;
  readonly linked: string[];
  readonly skipped: SkippedPath[];
}

const REPLACEMENT = "\ufffd";
const MAX_HASH_TRIES = 3;

/** Why something that is neither a file, a folder nor a link stays out. */
export const SPECIAL_FILE_REASON = "it is a pipe, a socket or a device";

/** Why a file over the limit stays out. */
export function whyTooLarge(sizeBytes: number | bigint, maxFileBytes: number): string | undefined {
  if (sizeBytes <= maxFileBytes) return undefined;
  return `it is larger than the limit (${toMiB(Number(sizeBytes))}; the limit is ${toMiB(maxFileBytes)})`;
}

function toMiB(sizeBytes: number): string {
  return `${(sizeBytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** @param root without links in it @throws what `statfs` does */
export function startWalk(root: string, maxFileBytes: number, now: () => number): Walk {
  return { root, maxFileBytes, now, faithfulDevice: findFaithfulDevice(root) };
}

/**
 * Walks a workspace synchronously: plain synchronous calls run at the speed of C, promises at a third of it. What
 * vanishes or changes meanwhile is taken as it is when it is looked at. Never follows a link.
 * @param known the tree as it was the last time
 * @throws what `readdir` does when the workspace itself cannot be read
 */
export function scanTree(walk: Walk, known: FolderNode | undefined): FolderNode {
  return scanFolder(walk, { path: "", known, toRules: (files) => readRootRules(walk.root, files) });
}

/** Looks at a folder and at all below it. */
export function scanFolder(walk: Walk, place: Place): FolderNode {
  walk.onEnter?.(place.path);
  return lookAtFolder(walk, place, (name, rules) =>
    scanFolder(walk, {
      path: place.path === "" ? name : `${place.path}/${name}`,
      known: place.known?.folders.get(name),
      toRules: (files) => enterFolder(walk.root, rules, name, files),
    }),
  );
}

/** Looks at a folder and what is directly in it; `below` says what its folders come to. */
export function lookAtFolder(walk: Walk, place: Place, below: LookBelow): FolderNode {
  const known = place.known ?? EMPTY_FOLDER;
  const { rules, listing } = list(walk, place, known);
  const prefix = place.path === "" ? "" : `${place.path}/`;
  const found: Found = { entries: new Map(), stats: new Map(), linked: [], skipped: [] };
  for (const name of listing.others) visit(walk, { prefix, name, known }, found);
  const folders = new Map<string, FolderNode>();
  for (const name of listing.folders) {
    try {
      folders.set(name, below(name, rules));
    } catch (error) {
      skipUnreadable(found, prefix + name, error);
    }
  }
  return toFolderNode({ ...found, listing, folders }, place.known);
}

/** What is in the folder; as it was the last time when the file system vouches for that. */
function list(
  walk: Walk,
  { path, toRules }: Place,
  { listing: last }: FolderNode,
): { rules: FolderRules; listing: Listing } {
  const folder = path === "" ? walk.root : `${walk.root}/${path}`;
  const stat = lstatSync(folder, { bigint: true });
  const isFaithful = stat.dev === walk.faithfulDevice;
  if (isFaithful && isKnownListing(last) && isSameListing(last, stat)) {
    const rules = toRules(last.ignoreFiles);
    if (rules.key === last.rulesKey) return { rules, listing: last };
  }
  const nowMs = walk.now();
  const children = readFolder(folder);
  const rules = toRules(findIgnoreFiles(children));
  const listing = toListing(walk.root, rules, children);
  return { rules, listing: (isFaithful && toKnownListing(listing, stat, nowMs)) || listing };
}

interface Name {
  /** Path of its folder with a slash at the end; "" in the workspace itself. */
  readonly prefix: string;
  readonly name: string;
  readonly known: FolderNode;
}

/** Whatever is no folder. */
function visit(walk: Walk, at: Name, found: Found): void {
  const path = at.prefix + at.name;
  try {
    const stat = lstatSync(`${walk.root}/${path}`, { bigint: true, throwIfNoEntry: false });
    if (stat?.isFile()) visitFile(walk, at, stat, found);
    else if (stat?.isSymbolicLink()) visitLink(walk, at, found);
    // A folder here took the place of something else a moment ago: the next scan has it.
    else if (stat && !stat.isDirectory()) found.skipped.push({ path, kind: "special", reason: SPECIAL_FILE_REASON });
  } catch (error) {
    skipUnreadable(found, path, error);
  }
}

function visitLink(walk: Walk, { prefix, name, known }: Name, found: Found): void {
  const path = prefix + name;
  const target = readlinkSync(`${walk.root}/${path}`);
  if (target.includes(REPLACEMENT)) {
    found.skipped.push({ path, kind: "unreadable", reason: "the target of the link is not valid UTF-8" });
    return;
  }
  const last = known.entries.get(name);
  found.entries.set(name, last?.type === "link" && last.target === target ? last : { type: "link", target });
}

function visitFile(walk: Walk, { prefix, name, known }: Name, stat: BigIntStats, found: Found): void {
  const path = prefix + name;
  if (stat.nlink > 1n) found.linked.push(name);
  const tooLarge = whyTooLarge(stat.size, walk.maxFileBytes);
  if (tooLarge) {
    found.skipped.push({ path, kind: "too-large", reason: tooLarge });
    return;
  }
  const last = known.stats.get(name);
  if (last && isSameFile(last, stat)) {
    found.stats.set(name, last);
    found.entries.set(name, last.entry);
    return;
  }
  const hashed = hashSettling(walk, path);
  if (!hashed) return;
  found.entries.set(name, hashed.entry);
  if (hashed.cached) found.stats.set(name, hashed.cached);
}

/** Hashes until the file holds still, or gives up holding it to that; the packer has the last look anyway. */
function hashSettling(walk: Walk, path: string): { entry: Entry; cached: CachedFile | undefined } | undefined {
  for (let tries = 1; ; tries++) {
    const nowMs = walk.now();
    const hashed = hashFile(`${walk.root}/${path}`);
    if (!hashed) return undefined;
    const { stat, sha256, sizeBytes, moved } = hashed;
    if (moved && tries < MAX_HASH_TRIES) continue;
    const entry = { type: "file", sha256, sizeBytes, executable: (stat.mode & 0o100n) !== 0n } as const;
    const isBelieved = !moved && isSettled(stat, nowMs);
    const { mtimeNs, ctimeNs, ino } = stat;
    return { entry, cached: isBelieved ? { mtimeNs, ctimeNs, ino, entry } : undefined };
  }
}

/** What is gone by now is not worth a word. */
function skipUnreadable(found: Found, path: string, error: unknown): void {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  if (["ENOENT", "ENOTDIR", "ELOOP"].includes(code)) return;
  found.skipped.push({ path, kind: "unreadable", reason: `it cannot be read (${code})` });
}
