import { type BigIntStats, lstatSync, readlinkSync } from "node:fs";
import {
  findFaithfulDevice,
  findIgnoreFiles,
  isSameListing,
  type KnownListing,
  type KnownListings,
  type Listing,
  readFolder,
  toKnownListing,
  toListing,
} from "./folder-listing.ts";
import { enterFolder, type FolderRules, type IgnoreFiles, readRootRules } from "./ignore-rules.ts";
import type { Entry } from "./manifest.ts";
import { hashFile } from "./regular-file.ts";
import type { ScanRequest, SkippedPath } from "./scanner.ts";
import { type CachedFile, isSameFile, isSettled, type StatCache } from "./stat-cache.ts";

/** What a walk found. */
export interface TreeScan {
  /** In the order of the walk. */
  readonly entries: Map<string, Entry>;
  readonly skipped: readonly SkippedPath[];
  readonly notes: readonly string[];
  /** What the next scan may build on. */
  readonly cache: StatCache;
  readonly listings: KnownListings;
  /** Whether `cache` says anything that the old one did not. */
  readonly cacheChanged: boolean;
}

/** What a walk needs besides the request. */
export interface ScanTreeDeps {
  readonly known: StatCache;
  readonly knownListings: KnownListings;
  readonly now: () => number;
}

interface Walk extends ScanTreeDeps {
  readonly root: string;
  readonly maxFileBytes: number;
  readonly entries: Map<string, Entry>;
  readonly skipped: SkippedPath[];
  readonly notes: string[];
  readonly cache: Map<string, CachedFile>;
  readonly listings: Map<string, KnownListing>;
  readonly faithfulDevice: bigint | undefined;
  /** How many rows of `cache` are not in `known`. */
  learned: number;
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

/**
 * Walks a workspace synchronously: plain synchronous calls run at the speed of C, promises at a third of it. What
 * vanishes or changes meanwhile is taken as it is when it is looked at. Never follows a link.
 * @throws what `readdir` does when the workspace itself cannot be read
 */
export function scanTree(request: ScanRequest, deps: ScanTreeDeps): TreeScan {
  const walk: Walk = {
    ...deps,
    root: request.root,
    maxFileBytes: request.maxFileBytes,
    entries: new Map(),
    skipped: [],
    notes: [],
    cache: new Map(),
    listings: new Map(),
    faithfulDevice: findFaithfulDevice(request.root),
    learned: 0,
  };
  walkFolder(walk, "", (files) => readRootRules(request.root, files));
  return { ...walk, cacheChanged: walk.learned > 0 || walk.cache.size !== walk.known.size };
}

/** @param toRules the rules in the folder, given which ignore files it has */
function walkFolder(walk: Walk, folder: string, toRules: (files: IgnoreFiles) => FolderRules): void {
  const { rules, listing } = list(walk, folder, toRules);
  const prefix = folder === "" ? "" : `${folder}/`;
  if (listing.skipped.length > 0) walk.skipped.push(...listing.skipped);
  if (listing.notes.length > 0) walk.notes.push(...listing.notes);
  for (const name of listing.others) visit(walk, prefix + name);
  for (const name of listing.folders) visitFolder(walk, rules, name);
}

/** What is in the folder; as it was the last time when the file system vouches for that. */
function list(
  walk: Walk,
  folder: string,
  toRules: (files: IgnoreFiles) => FolderRules,
): { rules: FolderRules; listing: Listing } {
  const path = folder === "" ? walk.root : `${walk.root}/${folder}`;
  const stat = lstatSync(path, { bigint: true });
  const known = walk.knownListings.get(folder);
  if (known && isSameListing(known, stat)) {
    const rules = toRules(known.ignoreFiles);
    if (rules.key === known.rulesKey) {
      walk.listings.set(folder, known);
      return { rules, listing: known };
    }
  }
  const nowMs = walk.now();
  const children = readFolder(path);
  const rules = toRules(findIgnoreFiles(children));
  const listing = toListing(walk.root, rules, children);
  if (stat.dev === walk.faithfulDevice) {
    const learned = toKnownListing(listing, rules.key, stat, nowMs);
    if (learned) walk.listings.set(folder, learned);
  }
  return { rules, listing };
}

function visitFolder(walk: Walk, parent: FolderRules, name: string): void {
  const path = parent.folder === "" ? name : `${parent.folder}/${name}`;
  const countBefore = walk.entries.size;
  try {
    walkFolder(walk, path, (files) => enterFolder(walk.root, parent, name, files));
    if (walk.entries.size === countBefore) walk.entries.set(path, { type: "directory" });
  } catch (error) {
    skipUnreadable(walk, path, error);
  }
}

/** Whatever is no folder. */
function visit(walk: Walk, path: string): void {
  try {
    const file = `${walk.root}/${path}`;
    const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    if (stat?.isFile()) visitFile(walk, path, stat);
    else if (stat?.isSymbolicLink()) visitLink(walk, path, file);
    // A folder here took the place of something else a moment ago: the next scan has it.
    else if (stat && !stat.isDirectory()) walk.skipped.push({ path, kind: "special", reason: SPECIAL_FILE_REASON });
  } catch (error) {
    skipUnreadable(walk, path, error);
  }
}

function visitLink(walk: Walk, path: string, file: string): void {
  const target = readlinkSync(file);
  if (target.includes(REPLACEMENT))
    walk.skipped.push({ path, kind: "unreadable", reason: "the target of the link is not valid UTF-8" });
  else walk.entries.set(path, { type: "link", target });
}

function visitFile(walk: Walk, path: string, stat: BigIntStats): void {
  const tooLarge = whyTooLarge(stat.size, walk.maxFileBytes);
  if (tooLarge) {
    walk.skipped.push({ path, kind: "too-large", reason: tooLarge });
    return;
  }
  const known = walk.known.get(path);
  if (known && isSameFile(known, stat)) {
    walk.cache.set(path, known);
    walk.entries.set(path, known.entry);
    return;
  }
  const entry = hashSettling(walk, path);
  if (entry) walk.entries.set(path, entry);
}

/** Hashes until the file holds still, or gives up holding it to that; the packer has the last look anyway. */
function hashSettling(walk: Walk, path: string): Entry | undefined {
  for (let tries = 1; ; tries++) {
    const nowMs = walk.now();
    const hashed = hashFile(`${walk.root}/${path}`);
    if (!hashed) return undefined;
    const { stat, sha256, sizeBytes, moved } = hashed;
    if (moved && tries < MAX_HASH_TRIES) continue;
    const entry = { type: "file", sha256, sizeBytes, executable: (stat.mode & 0o100n) !== 0n } as const;
    if (!moved && isSettled(stat, nowMs)) {
      walk.cache.set(path, { mtimeNs: stat.mtimeNs, ctimeNs: stat.ctimeNs, ino: stat.ino, entry });
      walk.learned++;
    }
    return entry;
  }
}

/** What is gone by now is not worth a word. */
function skipUnreadable(walk: Walk, path: string, error: unknown): void {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  if (["ENOENT", "ENOTDIR", "ELOOP"].includes(code)) return;
  walk.skipped.push({ path, kind: "unreadable", reason: `it cannot be read (${code})` });
}
