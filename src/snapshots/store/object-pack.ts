import { hash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { checkMagic, DamagedFile } from "./block-reader.ts";
import { BLOCK_HEADER_BYTES, decodeLengths, MAGIC_BYTES } from "./object-block.ts";
import { readInto } from "../regular-file.ts";

/**
 * A file of many small contents: magic, blocks (object-block.ts), index, footer. The index has the 8 bytes of lengths of
 * each block, then 44 bytes for each object: sha-256, number of its block, where it starts in there, how long it is. The
 * footer has both counts, sha-256 of the index, magic. Numbers have 32 bits, little-endian.
 */
export interface PackFile {
  readonly id: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly objectCount: number;
  /** Where each block's header starts. */
  readonly blockOffsets: readonly number[];
  /** Where the last one ends. */
  readonly blocksEnd: number;
  /** Rows of {@link ROW_BYTES}. */
  readonly rows: Buffer;
  /** When it was last written or vouched for. */
  touchedMs: number;
}

/** Where in a pack one content is. */
export interface PackedRow {
  readonly block: number;
  readonly offset: number;
  readonly length: number;
}

export const PACK_MAGIC = Buffer.from("SPP\u0001", "latin1");
export const ROW_BYTES = 44;
export const SHA_BYTES = 32;
const LENGTHS_BYTES = 8;
const FOOTER_BYTES = 8 + SHA_BYTES + MAGIC_BYTES;

/** The folder of the packs of a store. */
export function toPacksFolder(storeFolder: string): string {
  return join(storeFolder, "packs");
}

/** One object of a pack that is being written. */
export interface NewRow extends PackedRow {
  readonly sha256: string;
}

/** What follows the blocks. @param lengths 8 bytes for each block */
export function encodePackTail(lengths: readonly Buffer[], rows: readonly NewRow[]): Buffer {
  const bytes = Buffer.allocUnsafe(rows.length * ROW_BYTES);
  for (const [index, row] of rows.entries()) {
    const at = index * ROW_BYTES;
    bytes.write(row.sha256, at, "hex");
    bytes.writeUInt32LE(row.block, at + 32);
    bytes.writeUInt32LE(row.offset, at + 36);
    bytes.writeUInt32LE(row.length, at + 40);
  }
  const index = Buffer.concat([...lengths, bytes]);
  const counts = Buffer.allocUnsafe(8);
  counts.writeUInt32LE(lengths.length, 0);
  counts.writeUInt32LE(rows.length, 4);
  return Buffer.concat([index, counts, hash("sha256", index, "buffer"), PACK_MAGIC]);
}

/** Reads what a pack says of itself. @throws {DamagedFile | NewerFile} and what `open` and `read` do */
export function readPackFile(file: string, id: string): PackFile {
  const descriptor = openSync(file, "r");
  try {
    const { size, mtimeMs } = fstatSync(descriptor);
    const read = (length: number, position: number): Buffer | undefined => {
      if (length < 0 || position < 0 || position + length > size) return undefined;
      const bytes = Buffer.allocUnsafe(length);
      return readInto(descriptor, bytes, position) === length ? bytes : undefined;
    };
    const magic = read(MAGIC_BYTES, 0);
    checkMagic(magic ?? Buffer.alloc(0), PACK_MAGIC);
    return { id, file, sizeBytes: size, touchedMs: mtimeMs, ...decodeTail(read, size) };
  } finally {
    closeSync(descriptor);
  }
}

type Read = (length: number, position: number) => Buffer | undefined;

function decodeTail(read: Read, size: number): Pick<PackFile, "objectCount" | "blockOffsets" | "blocksEnd" | "rows"> {
  const footer = read(FOOTER_BYTES, size - FOOTER_BYTES);
  if (!footer?.subarray(8 + SHA_BYTES).equals(PACK_MAGIC)) throw new DamagedFile();
  const blockCount = footer.readUInt32LE(0);
  const objectCount = footer.readUInt32LE(4);
  const indexBytes = blockCount * LENGTHS_BYTES + objectCount * ROW_BYTES;
  const index = read(indexBytes, size - FOOTER_BYTES - indexBytes);
  if (!index || !hash("sha256", index, "buffer").equals(footer.subarray(8, 8 + SHA_BYTES))) throw new DamagedFile();
  const blockOffsets: number[] = [];
  let offset = MAGIC_BYTES;
  for (let block = 0; block < blockCount; block++) {
    blockOffsets.push(offset);
    const lengths = decodeLengths(index, block * LENGTHS_BYTES);
    if (!lengths) throw new DamagedFile();
    offset += BLOCK_HEADER_BYTES + lengths.storedLength;
  }
  return { objectCount, blockOffsets, blocksEnd: offset, rows: index.subarray(blockCount * LENGTHS_BYTES) };
}

export function toSha(pack: PackFile, row: number): string {
  return pack.rows.toString("hex", row * ROW_BYTES, row * ROW_BYTES + SHA_BYTES);
}

export function toPackedRow({ rows }: PackFile, row: number): PackedRow {
  const at = row * ROW_BYTES + SHA_BYTES;
  return { block: rows.readUInt32LE(at), offset: rows.readUInt32LE(at + 4), length: rows.readUInt32LE(at + 8) };
}
