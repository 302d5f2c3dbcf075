import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { look } from "../look.ts";
import { toPacksFolder } from "./object-pack.ts";

/** Where snapshots are kept. */
export interface StoreFolders {
  /** Of the objects. */
  readonly store: string;
  readonly trees: string;
}

/** A file of the store that may be gone by now. */
export interface StoreFile {
  readonly file: string;
  readonly name: string;
  readonly mtimeNs: bigint;
  readonly sizeBytes: number;
}

/** What snapshots take on disk, in bytes. */
export interface StoreSizes {
  readonly objectBytes: number;
  readonly treeBytes: number;
}

/** Cheap enough to show: looks at each file, and opens none. */
export async function readSizes({ store, trees }: StoreFolders): Promise<StoreSizes> {
  const objects = [...(await listFiles(toPacksFolder(store))), ...(await listObjectFiles(store))];
  return { objectBytes: sum(objects), treeBytes: sum(await listFiles(trees)) };
}

function sum(files: readonly StoreFile[]): number {
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

/** The files in a folder, without those in folders below; none when there is no such folder. */
export async function listFiles(folder: string): Promise<readonly StoreFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => {
    if (!entry.isFile()) return [];
    const file = join(folder, entry.name);
    const stat = look(file);
    return stat ? [{ file, name: entry.name, mtimeNs: stat.mtimeNs, sizeBytes: Number(stat.size) }] : [];
  });
}

/** The objects that have a file each, by their hash. */
export async function listObjectFiles(store: string): Promise<readonly StoreFile[]> {
  const names = await readdir(store).catch(() => []);
  const found: StoreFile[] = [];
  for (const start of names) {
    if (!/^[0-9a-f]{2}$/.test(start)) continue;
    for (const file of await listFiles(join(store, start)))
      if (/^[0-9a-f]{62}$/.test(file.name)) found.push({ ...file, name: start + file.name });
  }
  return found;
}
