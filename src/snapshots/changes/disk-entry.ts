import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { lstat, open, readlink } from "node:fs/promises";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { checkWorkspacePath, toDisplay } from "../../core/workspace-path.ts";
import { type FolderHandle, hasCode, type HeldParent, openParent } from "./folder-handle.ts";
import type { Entry } from "../manifest.ts";
import { toSha256 } from "../regular-file.ts";

/** What is at a path now, and what tells whether it is still that. */
export interface FoundEntry {
  readonly entry: Entry;
  readonly stat: BigIntStats;
}

const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const PIECE_BYTES = 1024 * 1024;

/**
 * What the disk has at a path now; undefined when there is nothing, or only through a link. A folder is an entry here
 * whether it is empty or not. A pipe, a socket or a device counts as a link to nothing, so that it equals no file.
 * @throws {SandboxError} `invalid` for an unsafe path, `unavailable` when it cannot be read
 */
export async function readDiskEntry(root: string | HeldParent, path: string): Promise<Entry | undefined> {
  return await withParent(root, path, async (folder) => (await findEntry(folder, toName(path)))?.entry);
}

/** The whole content of a file that is what it was just found to be; undefined when it is something else by now. @throws as {@link readDiskEntry} does */
export async function readDiskContent(
  root: string | HeldParent,
  path: string,
  { sha256, sizeBytes }: Extract<Entry, { type: "file" }>,
): Promise<Buffer | undefined> {
  const content = await withParent(root, path, (folder) => readContent(folder.at(toName(path)), sizeBytes));
  return content && toSha256(content) === sha256 ? content : undefined;
}

async function withParent<T>(
  root: string | HeldParent,
  path: string,
  read: (folder: FolderHandle) => Promise<T>,
): Promise<T | undefined> {
  checkWorkspacePath(path);
  try {
    const folder = await openParent(root, path, false);
    try {
      return folder && (await read(folder));
    } finally {
      await folder?.close();
    }
  } catch (cause) {
    throw new SandboxError("unavailable", `${toDisplay(path)} cannot be read: ${toMessage(cause)}.`, { cause });
  }
}

async function readContent(file: string, sizeBytes: number): Promise<Buffer | undefined> {
  try {
    const handle = await open(file, FLAGS);
    try {
      const stat = await handle.stat();
      return stat.isFile() && stat.size === sizeBytes ? await handle.readFile() : undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasCode(error, "ENOENT", "ELOOP")) return undefined;
    throw error;
  }
}

/** The same inside an open folder. @throws what the file system does */
export async function findEntry(folder: FolderHandle, name: string): Promise<FoundEntry | undefined> {
  try {
    const stat = await lstat(folder.at(name), { bigint: true });
    if (stat.isFile()) return await readFileEntry(folder.at(name));
    if (stat.isDirectory()) return { entry: { type: "directory" }, stat };
    const target = stat.isSymbolicLink() ? await readlink(folder.at(name)) : "";
    return { entry: { type: "link", target }, stat };
  } catch (error) {
    if (hasCode(error, "ENOENT", "ELOOP")) return undefined;
    throw error;
  }
}

export function toName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

async function readFileEntry(file: string): Promise<FoundEntry> {
  const handle = await open(file, FLAGS);
  try {
    const stat = await handle.stat({ bigint: true });
    const digest = createHash("sha256");
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Number(stat.size) + 1));
    let sizeBytes = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, sizeBytes);
      if (bytesRead === 0) break;
      digest.update(buffer.subarray(0, bytesRead));
      sizeBytes += bytesRead;
    }
    const executable = (stat.mode & 0o100n) !== 0n;
    return { entry: { type: "file", sha256: digest.digest("hex"), sizeBytes, executable }, stat };
  } finally {
    await handle.close();
  }
}
