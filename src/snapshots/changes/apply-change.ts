import { randomBytes } from "node:crypto";
import { chmod, link, lstat, mkdir, open, rename, rmdir, symlink, unlink } from "node:fs/promises";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { checkWorkspacePath, toDisplay } from "../../core/workspace-path.ts";
import { findEntry, type FoundEntry, toName } from "./disk-entry.ts";
import { type FolderHandle, hasCode, type HeldParent, openParent } from "./folder-handle.ts";
import { whyUnsafeTarget } from "../link-target.ts";
import { type Entry, isSameEntry } from "../manifest.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { isSameStat } from "../regular-file.ts";

/** One change to make in the user's workspace. */
export interface ApplyRequest {
  /** The workspace, or the folder of it that is held open over several changes. */
  readonly root: string | HeldParent;
  readonly path: string;
  /** What the disk had when it was decided to apply. */
  readonly expected: Entry | undefined;
  /** What it should have; nothing when left undefined. */
  readonly theirs: Entry | undefined;
  /** Where the content of `theirs` is. */
  readonly store: ObjectStore;
}

/** A change in progress: an open folder and what was found in it under that name. */
interface Place {
  readonly folder: FolderHandle;
  readonly name: string;
  readonly found: FoundEntry | undefined;
}

/** The disk is not as expected; never leaves this file. */
class Conflict extends Error {}

/**
 * Makes the disk hold `theirs`, wholly or not at all, if it holds `expected` right up to the change; else `conflict`, and
 * the disk is as it was. Goes through no link. Only an empty folder makes way for a file. Folders go with the last that
 * was in them: one that is to stay empty is a change of its own. Where the folder is held open, whoever holds it sees to
 * that, by {@link removeEmptyParents}.
 * @throws {SandboxError} `invalid` for an unsafe path, `blocked` for a link that leads out or Git's own files,
 * `unavailable` when it cannot be written, and what the store does
 */
export async function applyToDisk(request: ApplyRequest): Promise<"applied" | "conflict"> {
  refuseUnsafe(request);
  try {
    await apply(request);
    const { root, path, theirs } = request;
    if (theirs === undefined && typeof root === "string") await removeEmptyParents(root, path);
    return "applied";
  } catch (error) {
    // Something came in between in each of these cases: a folder got a file, a file became a folder, a name was taken.
    if (error instanceof Conflict || hasCode(error, "ENOTEMPTY", "EEXIST", "EISDIR", "ENOTDIR", "ELOOP"))
      return "conflict";
    if (error instanceof SandboxError) throw error;
    const message = `${toDisplay(request.path)} could not be written: ${toMessage(error)}.`;
    throw new SandboxError("unavailable", message, { cause: error });
  }
}

function refuseUnsafe({ path, theirs }: ApplyRequest): void {
  checkWorkspacePath(path);
  if (path.split("/").some((name) => name.toLowerCase() === ".git"))
    throw new SandboxError("blocked", `${toDisplay(path)} is one of Git's own files and is never changed.`);
  const reason = theirs?.type === "link" ? whyUnsafeTarget(path, theirs.target) : undefined;
  if (reason) throw new SandboxError("blocked", `${toDisplay(path)} is not made: ${reason}.`);
}

async function apply(request: ApplyRequest): Promise<void> {
  const { root, path, expected, theirs } = request;
  // Where something is expected, its folder is not missing either.
  const folder = await openParent(root, path, theirs !== undefined && expected === undefined);
  if (!folder) {
    if (theirs === undefined && expected === undefined) return;
    throw new Conflict();
  }
  try {
    const place = { folder, name: toName(path), found: await findEntry(folder, toName(path)) };
    if (!isAsExpected(place.found?.entry, expected)) throw new Conflict();
    if (theirs === undefined) await remove(place);
    else if (theirs.type === "directory") await makeFolder(place);
    else await replace(place, theirs, request.store);
  } finally {
    await folder.close();
  }
}

/** A folder may be in the place of something new: only when it is empty will it go. */
function isAsExpected(found: Entry | undefined, expected: Entry | undefined): boolean {
  return isSameEntry(found, expected) || (expected === undefined && found?.type === "directory");
}

async function remove({ folder, name, found }: Place): Promise<void> {
  if (!found) return;
  await checkUntouched({ folder, name, found });
  await (found.entry.type === "directory" ? rmdir(folder.at(name)) : unlink(folder.at(name)));
}

/** Removes the folders that a path was in, from the last one up to one that has something in it; never rejects. */
export async function removeEmptyParents(root: string, path: string): Promise<void> {
  const names = path.split("/");
  for (let depth = names.length - 1; depth > 0; depth--) {
    const parent = names.slice(0, depth).join("/");
    const folder = await openParent(root, parent, false);
    try {
      if (folder) await rmdir(folder.at(toName(parent)));
    } catch {
      // Something is in it, or it is not ours to remove: then the folders above it stay too.
      return;
    } finally {
      await folder?.close();
    }
  }
}

async function makeFolder(place: Place): Promise<void> {
  if (place.found?.entry.type === "directory") return;
  await remove(place);
  await mkdir(place.folder.at(place.name));
}

async function replace(place: Place, theirs: Exclude<Entry, { type: "directory" }>, store: ObjectStore): Promise<void> {
  const { folder, name, found } = place;
  const temporary = folder.at(`.sandpiper-${randomBytes(8).toString("hex")}.tmp`);
  const isTaken = found !== undefined && found.entry.type !== "directory";
  try {
    if (theirs.type === "file") await writeContent(temporary, { theirs, store, before: found });
    else if (isTaken) await symlink(theirs.target, temporary);
    if (found && !isTaken) await rmdir(folder.at(name));
    if (isTaken) await moveOver(temporary, place);
    else if (theirs.type === "file") await moveIntoGap(temporary, place);
    else await symlink(theirs.target, folder.at(name));
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

interface NewContent {
  readonly theirs: Extract<Entry, { type: "file" }>;
  readonly store: ObjectStore;
  readonly before: FoundEntry | undefined;
}

async function writeContent(file: string, { theirs, store, before }: NewContent): Promise<void> {
  // The process's umask takes from this what the user does not give to others.
  const handle = await open(file, "wx", theirs.executable ? 0o777 : 0o666);
  try {
    for await (const bytes of store.read(theirs.sha256)) await handle.writeFile(bytes);
    const mode = toMode(theirs.executable, before);
    if (mode !== undefined) await chmod(file, mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file keeps its permissions, but for the right to run it; special bits never come over. */
function toMode(executable: boolean, before: FoundEntry | undefined): number | undefined {
  if (before?.entry.type !== "file") return undefined;
  const mode = Number(before.stat.mode) & 0o777;
  return executable ? mode | ((mode & 0o444) >> 2) : mode & ~0o111;
}

async function moveOver(temporary: string, place: Place): Promise<void> {
  await checkUntouched(place);
  await rename(temporary, place.folder.at(place.name));
}

async function moveIntoGap(temporary: string, { folder, name }: Place): Promise<void> {
  try {
    // Unlike a rename, a link replaces nothing that came in between.
    await link(temporary, folder.at(name));
  } catch (error) {
    // Some file systems have no such links.
    if (hasCode(error, "EEXIST") || (await findEntry(folder, name))) throw new Conflict();
    await rename(temporary, folder.at(name));
  }
}

async function checkUntouched({ folder, name, found }: Place): Promise<void> {
  const now = await lstat(folder.at(name), { bigint: true }).catch(() => undefined);
  // A folder's times say what is in it, which rmdir asks by itself.
  if (now?.isDirectory() && found?.entry.type === "directory") return;
  if (!now || !found || !isSameStat(now, found.stat)) throw new Conflict();
}
