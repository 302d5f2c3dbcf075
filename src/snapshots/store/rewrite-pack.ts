import { rmSync } from "node:fs";
import { look } from "../look.ts";
import { type PackFile, toPackedRow, toSha } from "./object-pack.ts";
import { readBlock } from "./object-pack-reader.ts";
import { PackWriter } from "./pack-writer.ts";
import { toSha256 } from "../regular-file.ts";

/**
 * Puts one pack with what is wanted of others, and undamaged, in their place: they go once the new one is complete, but
 * for those that somebody vouched for meanwhile.
 * @param folder of the store
 * @throws what reading and writing do
 */
export async function rewritePacks(
  folder: string,
  packs: readonly PackFile[],
  isWanted: (sha256: string) => boolean,
): Promise<void> {
  const times = packs.map(({ file }) => look(file)?.mtimeNs);
  const writer = new PackWriter(folder);
  const copied = new Set<string>();
  try {
    for (const pack of packs) await copy(pack, writer, copied, isWanted);
    if (copied.size > 0) await writer.finish();
    for (const [index, { file }] of packs.entries()) removeUntouched(file, times[index]);
  } finally {
    await writer.discard();
  }
}

/** Synchronously, so that nobody in this process can vouch for the file between the last look and its end. */
export function removeUntouched(file: string, mtimeNs: bigint | undefined): boolean {
  if (look(file)?.mtimeNs !== mtimeNs) return false;
  rmSync(file, { force: true });
  return true;
}

async function copy(
  pack: PackFile,
  writer: PackWriter,
  copied: Set<string>,
  isWanted: (sha256: string) => boolean,
): Promise<void> {
  for (const [block, rows] of groupByBlock(pack, (sha256) => !copied.has(sha256) && isWanted(sha256))) {
    const raw = await readBlock(pack, block);
    if (!raw) continue;
    for (const row of rows) {
      const sha256 = toSha(pack, row);
      const { offset, length } = toPackedRow(pack, row);
      const content = raw.subarray(offset, offset + length);
      if (toSha256(content) !== sha256) continue;
      writer.add(sha256, content);
      copied.add(sha256);
    }
    await writer.idle();
  }
}

function groupByBlock(pack: PackFile, isWanted: (sha256: string) => boolean): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<number, number[]>();
  for (let row = 0; row < pack.objectCount; row++) {
    if (!isWanted(toSha(pack, row))) continue;
    const { block } = toPackedRow(pack, row);
    const rows = groups.get(block);
    if (rows) rows.push(row);
    else groups.set(block, [row]);
  }
  return groups;
}
