import type { FileHandle } from "node:fs/promises";
import { BLOCK_HEADER_BYTES, decodeBlock, decodeLengths, MAGIC_BYTES } from "./object-block.ts";

/** The file is not what was written; whoever reads it says so in the words of what it is. */
export class DamagedFile extends Error {}

/** A later version wrote the file. */
export class NewerFile extends Error {}

/**
 * The blocks of a file, from its start to its end. Whether they are the right ones is for a hash to say.
 * @throws {DamagedFile | NewerFile} and what `read` does
 */
export async function* readBlocks(handle: FileHandle, magic: Buffer): AsyncIterable<Buffer> {
  checkMagic(await readNext(handle, MAGIC_BYTES), magic);
  for (;;) {
    const header = await readNext(handle, BLOCK_HEADER_BYTES);
    if (header.length === 0) return;
    const lengths = header.length === BLOCK_HEADER_BYTES ? decodeLengths(header) : undefined;
    if (!lengths) throw new DamagedFile();
    const stored = await readNext(handle, lengths.storedLength);
    const raw = stored.length === lengths.storedLength ? decodeBlock(stored, lengths.rawLength) : undefined;
    if (!raw) throw new DamagedFile();
    yield raw;
  }
}

/** @throws {DamagedFile | NewerFile} */
export function checkMagic(found: Buffer, magic: Buffer): void {
  if (found.equals(magic)) return;
  const isOurs = found.length === MAGIC_BYTES && found.subarray(0, 3).equals(magic.subarray(0, 3));
  if (isOurs && (found[3] ?? 0) > (magic[3] ?? 0)) throw new NewerFile();
  throw new DamagedFile();
}

/** Less only where the file ends. */
async function readNext(handle: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let count = 0; count < length;) {
    const { bytesRead } = await handle.read(bytes, count, length - count);
    if (bytesRead === 0) return bytes.subarray(0, count);
    count += bytesRead;
  }
  return bytes;
}
