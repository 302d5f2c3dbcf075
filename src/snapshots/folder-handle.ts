import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath } from "node:fs/promises";

/** A folder that is held on to: what is reached through `at` is in it, wherever its path leads by then. */
export interface FolderHandle {
  /** Where to reach `name` in the folder. */
  at(name: string): string;
  close(): Promise<void>;
}

// Linux lets one go on from an open folder by this path, which is its openat(2) for us. Elsewhere each step is checked,
// and a swap between check and use is not noticed.
const CAN_HOLD = process.platform === "linux";
const FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/**
 * Opens the folder that `path` is in, going through real folders alone. Undefined when one of them is missing (and not to
 * be made), a link, or no folder. The workspace itself may be a link.
 * @param create makes missing folders on the way
 */
export async function openParent(root: string, path: string, create: boolean): Promise<FolderHandle | undefined> {
  let folder: FolderHandle | undefined = await openFolder(await realpath(root));
  for (const name of path.split("/").slice(0, -1)) {
    const parent: FolderHandle | undefined = folder;
    if (!parent) return undefined;
    try {
      if (create) await makeFolder(parent.at(name));
      folder = await openFolder(parent.at(name));
    } finally {
      await parent.close();
    }
  }
  return folder;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

async function openFolder(path: string): Promise<FolderHandle | undefined> {
  if (CAN_HOLD) {
    const handle = await openDirectory(path);
    return handle && { at: (name) => `/proc/self/fd/${handle.fd}/${name}`, close: () => handle.close() };
  }
  try {
    if (!(await lstat(path)).isDirectory()) return undefined;
    return { at: (name) => `${path}/${name}`, close: async () => {} };
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

async function openDirectory(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, FLAGS);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}

/** Whether that is an error of the operating system with one of those codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
