import { type FileHandle, open } from "node:fs/promises";
import { BLOCK_HEADER_BYTES, decodeBlock, decodeLengths } from "./object-block.ts";
import type { PackedObject } from "./object-index.ts";
import type { PackFile } from "./object-pack.ts";
import { toSha256 } from "../regular-file.ts";

/**
 * Contents lie beside each other as they were sent, so that the next one wanted is most often in the same block; but what
 * a tree has twice, or has had for long, is elsewhere.
 */
const KEPT_BLOCKS = 64;
const KEPT_MS = 5000;

/** Reads contents out of packs; keeps a few blocks in memory. */
export class PackReader {
  /** The latest one last. */
  readonly #blocks = new Map<string, Buffer>();
  #timer: NodeJS.Timeout | undefined;

  /** Undefined when it is damaged. @throws what `open` and `read` do */
  async read(sha256: string, { pack, block, offset, length }: PackedObject): Promise<Buffer | undefined> {
    const key = `${pack.id}/${block}`;
    const raw = this.#blocks.get(key) ?? (await readBlock(pack, block));
    if (!raw) return undefined;
    this.#keep(key, raw);
    const content = raw.subarray(offset, offset + length);
    return content.length === length && toSha256(content) === sha256 ? content : undefined;
  }

  #keep(key: string, raw: Buffer): void {
    this.#blocks.delete(key);
    this.#blocks.set(key, raw);
    for (const oldest of this.#blocks.keys()) if (this.#blocks.size > KEPT_BLOCKS) this.#blocks.delete(oldest);
    // Memory is not kept for long for a reading that is over.
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#blocks.clear();
    }, KEPT_MS).unref();
  }
}

/** The content of a block; undefined when it is damaged. @throws what `open` and `read` do */
export async function readBlock(pack: PackFile, block: number): Promise<Buffer | undefined> {
  const position = pack.blockOffsets[block];
  if (position === undefined) return undefined;
  const handle = await open(pack.file, "r");
  try {
    const end = pack.blockOffsets[block + 1] ?? pack.blocksEnd;
    const bytes = await readAt(handle, end - position, position);
    const lengths = bytes && decodeLengths(bytes);
    if (lengths?.storedLength !== end - position - BLOCK_HEADER_BYTES) return undefined;
    return bytes && decodeBlock(bytes.subarray(BLOCK_HEADER_BYTES), lengths.rawLength);
  } finally {
    await handle.close();
  }
}

/** Undefined where the file ends before. */
async function readAt(handle: FileHandle, length: number, position: number): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafe(length);
  for (let count = 0; count < length;) {
    const { bytesRead } = await handle.read(bytes, count, length - count, position + count);
    if (bytesRead === 0) return undefined;
    count += bytesRead;
  }
  return bytes;
}
