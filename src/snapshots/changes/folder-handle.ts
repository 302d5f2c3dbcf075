import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath } from "node:fs/promises";
import { join } from "node:path";

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
 * The folder that some paths have in common, held open over what is done to them one after the other: opening it anew
 * takes longer than writing a small file. Whoever made it closes it.
 */
export class HeldParent {
  readonly root: string;
  #held: { readonly handle: FolderHandle; readonly place: string; readonly stat: Stats } | undefined;

  constructor(root: string) {
    this.root = root;
  }

  /** As {@link openParent} does; `close` of what comes back does nothing. */
  async open(path: string, create: boolean): Promise<FolderHandle | undefined> {
    // Where a folder cannot be held on to, each step of its path is checked each time.
    if (!CAN_HOLD) return await openParent(this.root, path, create);
    const place = join(await realpath(this.root), path, "..");
    if (this.#held?.place !== place || !(await isStill(place, this.#held.stat))) {
      await this.close();
      const handle = await openParent(this.root, path, create);
      if (!handle) return undefined;
      this.#held = { handle, place, stat: await lstat(handle.at(".")) };
    }
    const { handle } = this.#held;
    return { at: (name) => handle.at(name), close: async () => {} };
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.handle.close();
  }
}

/** Whether that path leads to the same folder still. */
async function isStill(path: string, { dev, ino }: Stats): Promise<boolean> {
  const now = await lstat(path).catch(() => undefined);
  return now?.dev === dev && now.ino === ino;
}

/**
 * Opens the folder that `path` is in, going through real folders alone. Undefined when one of them is missing (and not to
 * be made), a link, or no folder. The workspace itself may be a link.
 * @param root the workspace, or the folder of it that is held open over several paths
 * @param create makes missing folders on the way
 */
export async function openParent(
  root: string | HeldParent,
  path: string,
  create: boolean,
): Promise<FolderHandle | undefined> {
  if (typeof root !== "string") return await root.open(path, create);
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
