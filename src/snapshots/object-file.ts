import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import { hasCode } from "./folder-handle.ts";
import { BLOCK_HEADER_BYTES, decodeBlock, decodeLengths, MAGIC_BYTES } from "./object-block.ts";

/** What the file of one object starts with; blocks follow (object-block.ts) up to its end. */
export const OBJECT_MAGIC = Buffer.from("SPO\u0001", "latin1");

/** Where an object with a file of its own is, or would be. @throws {SandboxError} `invalid` when that is no hash */
export function toObjectFile(storeFolder: string, sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new SandboxError("invalid", "That is not the name of an object.");
  return join(storeFolder, sha256.slice(0, 2), sha256.slice(2));
}

/** The file of an object, opened; undefined when there is none. @throws {SandboxError} `unavailable` */
export async function openObjectFile(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, "r");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw unreadable(error);
  }
}

/** What an opened file holds. The last block comes out only when the whole is what it should be. Closes the file. */
export async function* readObjectFile(handle: FileHandle, file: string, sha256: string): AsyncIterable<Uint8Array> {
  const digest = createHash("sha256");
  let last: Buffer | undefined;
  try {
    const isOurs = await readMagic(handle);
    for (let header = await readNext(handle, BLOCK_HEADER_BYTES); header.length > 0;) {
      const raw = isOurs ? await readBlock(handle, header) : undefined;
      if (!raw) throw await toDamaged(file);
      digest.update(raw);
      if (last) yield last;
      last = raw;
      header = await readNext(handle, BLOCK_HEADER_BYTES);
    }
    if (digest.digest("hex") !== sha256) throw await toDamaged(file);
  } catch (error) {
    throw error instanceof SandboxError ? error : unreadable(error);
  } finally {
    await handle.close();
  }
  if (last) yield last;
}

/** False for a file that is none of ours. */
async function readMagic(handle: FileHandle): Promise<boolean> {
  const magic = await readNext(handle, MAGIC_BYTES);
  if (magic.equals(OBJECT_MAGIC)) return true;
  if (magic.subarray(0, 3).equals(OBJECT_MAGIC.subarray(0, 3)) && (magic[3] ?? 0) > (OBJECT_MAGIC[3] ?? 0))
    throw toNewer();
  return false;
}

/** Undefined when it is damaged. */
async function readBlock(handle: FileHandle, header: Buffer): Promise<Buffer | undefined> {
  const lengths = header.length === BLOCK_HEADER_BYTES ? decodeLengths(header) : undefined;
  if (!lengths) return undefined;
  const stored = await readNext(handle, lengths.storedLength);
  return stored.length === lengths.storedLength ? decodeBlock(stored, lengths.rawLength) : undefined;
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

async function toDamaged(file: string): Promise<SandboxError> {
  await rm(file, { force: true });
  return damaged();
}

export function damaged(): SandboxError {
  const message = "The kept content of that file was damaged on disk. Run again to get it.";
  return new SandboxError("unavailable", message);
}

export function unreadable(cause: unknown): SandboxError {
  const message = `The kept content of that file could not be read: ${toMessage(cause)}. Try again.`;
  return new SandboxError("unavailable", message, { cause });
}

export function toNewer(): SandboxError {
  const message = "The kept content of that file was written by a newer version of Sandpiper. Update this one.";
  return new SandboxError("unsupported", message);
}
