import { lstatSync, rmSync } from "node:fs";
import type { PackFile } from "./object-pack.ts";
import { toPackedRow, toSha } from "./object-pack.ts";
import { readBlock } from "./object-pack-reader.ts";
import { PackWriter } from "./pack-writer.ts";
import { toSha256 } from "./regular-file.ts";

/**
 * Puts a pack with what is wanted of another, and undamaged, in the other's place: the old one goes once the new one is
 * complete, and stays if somebody vouched for it meanwhile.
 * @param folder of the store
 * @throws what reading and writing do
 */
export async function rewritePack(
  folder: string,
  pack: PackFile,
  isWanted: (sha256: string) => boolean,
): Promise<void> {
  const { mtimeMs } = lstatSync(pack.file);
  const writer = new PackWriter(folder);
  try {
    await copy(pack, writer, isWanted);
    if (writer.objectCount > 0) await writer.finish();
    removeUntouched(pack.file, mtimeMs);
  } finally {
    await writer.discard();
  }
}

/** Synchronously, so that nobody in this process can vouch for the file between the last look and its end. */
export function removeUntouched(file: string, mtimeMs: number): boolean {
  if (lstatSync(file, { throwIfNoEntry: false })?.mtimeMs !== mtimeMs) return false;
  rmSync(file, { force: true });
  return true;
}

async function copy(pack: PackFile, writer: PackWriter, isWanted: (sha256: string) => boolean): Promise<void> {
  const wanted = new Map<number, number[]>();
  for (let row = 0; row < pack.objectCount; row++) {
    if (!isWanted(toSha(pack, row))) continue;
    const { block } = toPackedRow(pack, row);
    const rows = wanted.get(block);
    if (rows) rows.push(row);
    else wanted.set(block, [row]);
  }
  for (const [block, rows] of wanted) {
    const raw = await readBlock(pack, block);
    if (!raw) continue;
    for (const row of rows) {
      const { offset, length } = toPackedRow(pack, row);
      const content = raw.subarray(offset, offset + length);
      if (toSha256(content) === toSha(pack, row)) writer.add(toSha(pack, row), content);
    }
    await writer.idle();
  }
}
