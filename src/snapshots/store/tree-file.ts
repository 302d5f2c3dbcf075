import { hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { DamagedFile, readBlocks } from "./block-reader.ts";
import { BlockWriter } from "./block-writer.ts";
import type { Entry, Manifest } from "../manifest.ts";
import { BLOCK_BYTES } from "./object-block.ts";

const MAGIC = Buffer.from("SPT\u0001", "latin1");
const SHA_BYTES = 32;
const SIZE_BYTES = 8;
const CHECKSUM_BYTES = 32;
const HEADER_BYTES = 8 + CHECKSUM_BYTES;
const KINDS = { file: 0x66, executable: 0x78, link: 0x6c, directory: 0x64 } as const;

/**
 * Writes a manifest as blocks (object-block.ts) of: number of rows and of files (32 bits each), sha-256 of what follows;
 * then column by column: hashes of the files, their sizes (as doubles), a letter for each row, and the texts joined by
 * NUL, which are the paths, each of a link followed by its target. Little-endian.
 * @param folder where it is written before it is moved into its place
 * @throws what writing does
 */
export async function writeTreeFile(folder: string, file: string, manifest: Manifest): Promise<void> {
  const writer = new BlockWriter(folder, MAGIC);
  try {
    const bytes = encode(manifest);
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) writer.add(bytes.subarray(at, at + BLOCK_BYTES));
    await writer.finish(file);
  } finally {
    await writer.discard();
  }
}

/** @throws {DamagedFile | NewerFile} and what reading does */
export async function readTreeFile(handle: FileHandle): Promise<Manifest> {
  return decode(await readColumns(handle));
}

/** The hashes of the contents that a tree names: all that is needed to tell what is garbage. @throws as {@link readTreeFile} */
export async function readTreeObjects(handle: FileHandle): Promise<string[]> {
  const { bytes, fileCount } = await readColumns(handle);
  return Array.from({ length: fileCount }, (_, row) => toSha(bytes, row));
}

function encode(manifest: Manifest): Buffer {
  const files: Extract<Entry, { type: "file" }>[] = [];
  const kinds = Buffer.allocUnsafe(manifest.size);
  const texts: string[] = [];
  let row = 0;
  for (const [path, entry] of manifest) {
    kinds[row++] = toKind(entry);
    texts.push(path);
    if (entry.type === "link") texts.push(entry.target);
    else if (entry.type === "file") files.push(entry);
  }
  const hashes = Buffer.from(files.map(({ sha256 }) => sha256).join(""), "hex");
  const sizes = Buffer.allocUnsafe(files.length * SIZE_BYTES);
  for (const [index, { sizeBytes }] of files.entries()) sizes.writeDoubleLE(sizeBytes, index * SIZE_BYTES);
  const body = Buffer.concat([hashes, sizes, kinds, Buffer.from(texts.join("\0"))]);
  const counts = Buffer.allocUnsafe(8);
  counts.writeUInt32LE(manifest.size, 0);
  counts.writeUInt32LE(files.length, 4);
  return Buffer.concat([counts, hash("sha256", body, "buffer"), body]);
}

function toKind(entry: Entry): number {
  return entry.type === "file" && entry.executable ? KINDS.executable : KINDS[entry.type];
}

interface Columns {
  readonly bytes: Buffer;
  readonly rowCount: number;
  readonly fileCount: number;
}

async function readColumns(handle: FileHandle): Promise<Columns> {
  const blocks: Buffer[] = [];
  for await (const block of readBlocks(handle, MAGIC)) blocks.push(block);
  const bytes = Buffer.concat(blocks);
  if (bytes.length < HEADER_BYTES) throw new DamagedFile();
  const checksum = bytes.subarray(HEADER_BYTES - CHECKSUM_BYTES, HEADER_BYTES);
  if (!hash("sha256", bytes.subarray(HEADER_BYTES), "buffer").equals(checksum)) throw new DamagedFile();
  return { bytes, rowCount: bytes.readUInt32LE(0), fileCount: bytes.readUInt32LE(4) };
}

function decode({ bytes, rowCount, fileCount }: Columns): Manifest {
  const sizesAt = HEADER_BYTES + fileCount * SHA_BYTES;
  const kindsAt = sizesAt + fileCount * SIZE_BYTES;
  const texts = bytes.toString("utf8", kindsAt + rowCount).split("\0");
  const manifest = new Map<string, Entry>();
  let text = 0;
  let file = 0;
  for (let row = 0; row < rowCount; row++) {
    const path = texts[text++] ?? "";
    const kind = bytes[kindsAt + row];
    if (kind === KINDS.directory) manifest.set(path, { type: "directory" });
    else if (kind === KINDS.link) manifest.set(path, { type: "link", target: texts[text++] ?? "" });
    else {
      const sizeBytes = bytes.readDoubleLE(sizesAt + file * SIZE_BYTES);
      const executable = kind === KINDS.executable;
      manifest.set(path, { type: "file", sha256: toSha(bytes, file), sizeBytes, executable });
      file++;
    }
  }
  return manifest;
}

function toSha(bytes: Buffer, file: number): string {
  const at = HEADER_BYTES + file * SHA_BYTES;
  return bytes.toString("hex", at, at + SHA_BYTES);
}
