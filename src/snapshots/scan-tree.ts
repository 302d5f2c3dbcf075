import { type Dirent, readdirSync, lstatSync, readlinkSync, type BigIntStats } from "node:fs";
import { toDisplay, whyUnsafePath } from "../core/workspace-path.ts";
import { enterFolder, type FolderRules, judge, readRootRules } from "./ignore-rules.ts";
import type { Entry } from "./manifest.ts";
import { hashFile } from "./regular-file.ts";
import type { ScanRequest, SkippedPath } from "./scanner.ts";
import { type CachedFile, isSameFile, isSettled, type StatCache } from "./stat-cache.ts";
import { foldName } from "./path-gate.ts";

/** What a walk found. */
export interface TreeScan {
  /** In the order of the walk. */
  readonly entries: Map<string, Entry>;
  readonly skipped: readonly SkippedPath[];
  readonly notes: readonly string[];
  /** What the next scan may build on. */
  readonly cache: Map<string, CachedFile>;
  /** Whether `cache` says anything that the old one did not. */
  readonly cacheChanged: boolean;
}

/** What a walk needs besides the request. */
export interface ScanTreeDeps {
  readonly known: StatCache;
  readonly now: () => number;
}

interface Walk extends ScanTreeDeps {
  readonly root: string;
  readonly maxFileBytes: number;
  readonly entries: Map<string, Entry>;
  readonly skipped: SkippedPath[];
  readonly notes: string[];
  readonly cache: Map<string, CachedFile>;
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
    learned: 0,
  };
  const children = readdirSync(request.root, { withFileTypes: true });
  walkChildren(walk, readRootRules(request.root, toIgnoreFiles(children)), children);
  return { ...walk, cacheChanged: walk.learned > 0 || walk.cache.size !== walk.known.size };
}

function toIgnoreFiles(children: readonly Dirent[]): { gitignore: boolean; sandboxignore: boolean } {
  let gitignore = false;
  let sandboxignore = false;
  for (const { name } of children) {
    if (name === ".gitignore") gitignore = true;
    else if (name === ".sandboxignore") sandboxignore = true;
  }
  return { gitignore, sandboxignore };
}

function walkChildren(walk: Walk, rules: FolderRules, children: Dirent[]): void {
  if (children.length > 1) noteCollisions(walk, rules.folder, children);
  for (const child of children) {
    const path = rules.folder === "" ? child.name : `${rules.folder}/${child.name}`;
    const reason = whySkipped(walk, rules, path, child);
    if (reason) walk.skipped.push(reason);
    else if (child.isDirectory()) walkFolder(walk, rules, path, child.name);
    else visit(walk, path);
  }
}

function whySkipped(walk: Walk, rules: FolderRules, path: string, child: Dirent): SkippedPath | undefined {
  if (child.name.includes(REPLACEMENT) && !lstatSync(`${walk.root}/${path}`, { throwIfNoEntry: false }))
    return { path, kind: "unreadable", reason: "its name is not valid UTF-8" };
  const verdict = judge(rules, child.name, child.isDirectory());
  if (verdict) return { path, ...verdict };
  const unsafe = whyUnsafePath(path);
  return unsafe === undefined ? undefined : { path, kind: "unreadable", reason: unsafe };
}

function walkFolder(walk: Walk, parent: FolderRules, path: string, name: string): void {
  const countBefore = walk.entries.size;
  let children: Dirent[];
  try {
    children = readdirSync(`${walk.root}/${path}`, { withFileTypes: true });
  } catch (error) {
    if (!isGone(error)) walk.skipped.push({ path, kind: "unreadable", reason: `it cannot be read (${toCode(error)})` });
    return;
  }
  walkChildren(walk, enterFolder(walk.root, parent, name, toIgnoreFiles(children)), children);
  if (walk.entries.size === countBefore) walk.entries.set(path, { type: "directory" });
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
    if (!isGone(error)) walk.skipped.push({ path, kind: "unreadable", reason: `it cannot be read (${toCode(error)})` });
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
  const file = known && isSameFile(known, stat) ? known : hashSettling(walk, path);
  if (!file) return;
  const executable = (stat.mode & 0o100n) !== 0n;
  walk.entries.set(path, { type: "file", sha256: file.sha256, sizeBytes: file.sizeBytes, executable });
  if (file === known) walk.cache.set(path, known);
}

/** Hashes until the file holds still, or gives up holding it to that; the packer has the last look anyway. */
function hashSettling(walk: Walk, path: string): { sha256: string; sizeBytes: number } | undefined {
  for (let tries = 1; ; tries++) {
    const nowMs = walk.now();
    const hashed = hashFile(`${walk.root}/${path}`);
    if (!hashed) return undefined;
    const { stat, sha256, sizeBytes, moved } = hashed;
    if (moved && tries < MAX_HASH_TRIES) continue;
    if (!moved && isSettled(stat, nowMs)) {
      walk.cache.set(path, { mtimeNs: stat.mtimeNs, ctimeNs: stat.ctimeNs, ino: stat.ino, sizeBytes, sha256 });
      walk.learned++;
    }
    return { sha256, sizeBytes };
  }
}

/** Names that are one name on a disk that does not tell case or Unicode forms apart. */
function noteCollisions(walk: Walk, folder: string, children: readonly Dirent[]): void {
  const seen = new Map<string, string>();
  for (const { name } of children) {
    const key = foldName(name);
    const other = seen.get(key);
    seen.set(key, name);
    if (other === undefined || other === name) continue;
    const place = folder === "" ? "the workspace" : toDisplay(folder);
    walk.notes.push(`"${toDisplay(other)}" and "${toDisplay(name)}" in ${place} are one name on macOS and Windows`);
  }
}

function isGone(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(toCode(error));
}

function toCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
