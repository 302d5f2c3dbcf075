import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { DamagedFile, NewerFile, readBlocks } from "./block-reader.ts";
import { hasCode } from "../changes/folder-handle.ts";

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
    for await (const block of readBlocks(handle, OBJECT_MAGIC)) {
      digest.update(block);
      if (last) yield last;
      last = block;
    }
    if (digest.digest("hex") !== sha256) throw new DamagedFile();
  } catch (error) {
    if (error instanceof NewerFile) throw toNewer();
    if (!(error instanceof DamagedFile)) throw unreadable(error);
    await rm(file, { force: true });
    throw damaged();
  } finally {
    await handle.close();
  }
  if (last) yield last;
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
