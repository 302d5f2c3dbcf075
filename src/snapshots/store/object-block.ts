import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompressSync } from "node:zlib";

/**
 * The store's files are a magic and version, then blocks: raw length and stored length (32 bits each, little-endian), then
 * the stored bytes, which are the raw ones themselves when both lengths are equal, else one zstd frame (RFC 8878).
 */
export interface BlockLengths {
  readonly rawLength: number;
  readonly storedLength: number;
}

/** Larger contents are cut into blocks of this. */
export const BLOCK_BYTES = 1024 * 1024;
/** Of what is before a block's bytes. */
export const BLOCK_HEADER_BYTES = 8;
/** Three letters and a version. */
export const MAGIC_BYTES = 4;

// Compressed further it would be read no faster, and written at half the speed.
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** Room for all of the result, so that it comes in one piece. */
const SPARE_BYTES = 1024;
/** What gains less than this is read faster as it is. */
const WORTHWHILE = 0.95;

const compress = promisify(zstdCompress);

/** A block with its header, compressed on another thread if that gains something. `raw` must not change until then. */
export async function encodeBlock(raw: Uint8Array): Promise<Buffer> {
  const compressed = await compress(raw, { ...OPTIONS, chunkSize: raw.length + SPARE_BYTES });
  const stored = compressed.length < raw.length * WORTHWHILE ? compressed : raw;
  const header = Buffer.allocUnsafe(BLOCK_HEADER_BYTES);
  header.writeUInt32LE(raw.length, 0);
  header.writeUInt32LE(stored.length, 4);
  return Buffer.concat([header, stored]);
}

/** Undefined when the lengths are none that a block may have. */
export function decodeLengths(header: Buffer, offset = 0): BlockLengths | undefined {
  const rawLength = header.readUInt32LE(offset);
  const storedLength = header.readUInt32LE(offset + 4);
  return rawLength <= BLOCK_BYTES && storedLength <= rawLength ? { rawLength, storedLength } : undefined;
}

/** Undefined for stored bytes that are damaged; whether they are the right ones is for the hash to say. */
export function decodeBlock(stored: Buffer, rawLength: number): Buffer | undefined {
  if (stored.length === rawLength) return stored;
  try {
    const chunkSize = rawLength + SPARE_BYTES;
    const raw = zstdDecompressSync(stored, { maxOutputLength: chunkSize, chunkSize });
    return raw.length === rawLength ? raw : undefined;
  } catch {
    return undefined;
  }
}
