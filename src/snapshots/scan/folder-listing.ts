import { type BigIntStats, type Dirent, lstatSync, readdirSync, statfsSync } from "node:fs";
import { toDisplay, whyUnsafePath } from "../../core/workspace-path.ts";
import { type FolderRules, type IgnoreFiles, judge } from "../rules/ignore-rules.ts";
import { foldName } from "../path-gate.ts";
import type { SkippedPath } from "./scanner.ts";
import { look } from "../look.ts";
import { isSettled } from "./stat-cache.ts";

/** What a folder's names come to under the rules that hold there. */
export interface Listing {
  /** Names of what is sent: folders, and all else. */
  readonly folders: readonly string[];
  readonly others: readonly string[];
  readonly skipped: readonly SkippedPath[];
  readonly notes: readonly string[];
  readonly ignoreFiles: IgnoreFiles;
  /** Of the rules that they were judged by. */
  readonly rulesKey: string;
}

/** A listing, and when it holds: while the folder looks like this and the rules are the same. */
export interface KnownListing extends Listing {
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}

const REPLACEMENT = "\ufffd";

/**
 * Local file systems of Linux (f_type, see statfs(2)) that change a folder's times whenever a name in it comes, goes or
 * changes its kind. FAT and many network file systems do not, and on none of those is a listing reused: git, which
 * does the same under the name "untracked cache", has users test for it.
 */
const FAITHFUL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0xf2f52010, // F2FS
  0x2fc12fc1, // ZFS
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
]);

/** Those whose changes the kernel tells of, whoever makes them. What is below an overlay may change without it. */
const TELLING_FILE_SYSTEMS = new Set([...FAITHFUL_FILE_SYSTEMS].filter((type) => type !== 0x794c7630));

/** Whether the system's file watcher hears of every ordinary change there. */
export function isToldOf(root: string): boolean {
  return process.platform === "linux" && TELLING_FILE_SYSTEMS.has(statfsSync(root).type);
}

/** The device whose folders' times can be believed: that of the workspace, or none. */
export function findFaithfulDevice(root: string): bigint | undefined {
  if (process.platform !== "linux" || !FAITHFUL_FILE_SYSTEMS.has(statfsSync(root).type)) return undefined;
  return lstatSync(root, { bigint: true }).dev;
}

/** Whether a listing may be believed as long as the folder looks the same. */
export function isKnownListing(listing: Listing | KnownListing): listing is KnownListing {
  return "mtimeNs" in listing;
}

/** Whether the folder still has the names that it had. */
export function isSameListing(known: KnownListing, stat: BigIntStats): boolean {
  return known.mtimeNs === stat.mtimeNs && known.ctimeNs === stat.ctimeNs && known.ino === stat.ino;
}

/** The listing with what tells when it holds; undefined when the folder changed too lately to tell (see `isSettled`). */
export function toKnownListing(listing: Listing, stat: BigIntStats, nowMs: number): KnownListing | undefined {
  if (!isSettled(stat, nowMs)) return undefined;
  return { ...listing, mtimeNs: stat.mtimeNs, ctimeNs: stat.ctimeNs, ino: stat.ino };
}

/** Which ignore files are among a folder's names. */
export function findIgnoreFiles(children: readonly Dirent[]): IgnoreFiles {
  const files = { gitignore: false, sandboxignore: false };
  for (const { name } of children) {
    if (name === ".gitignore") files.gitignore = true;
    else if (name === ".sandboxignore") files.sandboxignore = true;
  }
  return files;
}

/** Judges a folder's names. */
export function toListing(root: string, rules: FolderRules, children: readonly Dirent[]): Listing {
  const listing = {
    folders: [] as string[],
    others: [] as string[],
    skipped: [] as SkippedPath[],
    notes: noteCollisions(rules.folder, children),
    ignoreFiles: findIgnoreFiles(children),
    rulesKey: rules.key,
  };
  for (const child of children) {
    const path = rules.folder === "" ? child.name : `${rules.folder}/${child.name}`;
    const reason = whySkipped(root, rules, path, child);
    if (reason) listing.skipped.push(reason);
    else (child.isDirectory() ? listing.folders : listing.others).push(child.name);
  }
  return listing;
}

/** @throws what `readdir` does */
export function readFolder(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true });
}

function whySkipped(root: string, rules: FolderRules, path: string, child: Dirent): SkippedPath | undefined {
  if (child.name.includes(REPLACEMENT) && !look(`${root}/${path}`))
    return { path, kind: "unreadable", reason: "its name is not valid UTF-8" };
  const verdict = judge(rules, child.name, child.isDirectory());
  if (verdict) return { path, ...verdict };
  const unsafe = whyUnsafePath(path);
  return unsafe === undefined ? undefined : { path, kind: "unreadable", reason: unsafe };
}

/** Names that are one name on a disk that does not tell case or Unicode forms apart. */
function noteCollisions(folder: string, children: readonly Dirent[]): string[] {
  const notes: string[] = [];
  const seen = new Map<string, string>();
  for (const { name } of children) {
    const key = foldName(name);
    const other = seen.get(key);
    seen.set(key, name);
    if (other === undefined || other === name) continue;
    const place = folder === "" ? "the workspace" : toDisplay(folder);
    notes.push(`"${toDisplay(other)}" and "${toDisplay(name)}" in ${place} are one name on macOS and Windows`);
  }
  return notes;
}
