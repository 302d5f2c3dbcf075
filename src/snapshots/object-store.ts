import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";

/** Contents of files, kept under their sha-256 (in hex). Safe for several writers and readers at once, in any process. */
export interface ObjectStore {
  has(sha256: string): Promise<boolean>;
  /** Keeps it, once. @throws {SandboxError} `unavailable` when it cannot be written; what `content` throws */
  put(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<{ sha256: string; sizeBytes: number }>;
  /**
   * The content; ends with an error when it turns out not to be what was kept, so take nothing for good before the end.
   * @throws {SandboxError} `not-found`; `unavailable` for a damaged object, which is removed
   */
  read(sha256: string): AsyncIterable<Uint8Array>;
  /** Where the object is or would be; to be read only. */
  pathOf(sha256: string): string;
}

/**
 * A store in a folder that need not exist yet. Objects are written beside their place and renamed, without waiting for
 * the disk: what a power cut leaves half-written is found by the check at reading.
 */
export function createObjectStore(folder: string): ObjectStore {
  const pathOf = (sha256: string): string => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new SandboxError("invalid", "That is not the name of an object.");
    return join(folder, sha256.slice(0, 2), sha256.slice(2));
  };
  return {
    pathOf,
    has: async (sha256) => (await sizeOf(pathOf(sha256))) !== undefined,
    put: (content) => put(folder, content, pathOf),
    read: (sha256) => readVerified(pathOf(sha256), sha256),
  };
}

async function put(
  folder: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  pathOf: (sha256: string) => string,
): Promise<{ sha256: string; sizeBytes: number }> {
  const temporary = join(folder, `${randomBytes(8).toString("hex")}.tmp`);
  await writing(mkdir(folder, { recursive: true, mode: 0o700 }));
  try {
    const written = await writeHashed(temporary, content);
    await moveIntoPlace(temporary, pathOf(written.sha256), written.sizeBytes);
    return written;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeHashed(
  file: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ sha256: string; sizeBytes: number }> {
  const handle = await writing(open(file, "wx", 0o600));
  try {
    const digest = createHash("sha256");
    let sizeBytes = 0;
    for await (const bytes of content) {
      digest.update(bytes);
      sizeBytes += bytes.length;
      await writing(handle.writeFile(bytes));
    }
    return { sha256: digest.digest("hex"), sizeBytes };
  } finally {
    await handle.close();
  }
}

async function moveIntoPlace(temporary: string, file: string, sizeBytes: number): Promise<void> {
  // One of another size is what a power cut left.
  if ((await sizeOf(file)) === sizeBytes) return;
  await writing(mkdir(dirname(file), { recursive: true, mode: 0o700 }));
  try {
    await rename(temporary, file);
  } catch (error) {
    // Windows does not replace a file that somebody reads: then it is there, which is all that is wanted.
    if ((await sizeOf(file)) !== sizeBytes) await writing(Promise.reject(error));
  }
}

async function* readVerified(file: string, sha256: string): AsyncIterable<Uint8Array> {
  if ((await sizeOf(file)) === undefined)
    throw new SandboxError("not-found", "The content of that file is no longer kept. Run again to get it.");
  const digest = createHash("sha256");
  for await (const bytes of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    digest.update(bytes);
    yield bytes;
  }
  if (digest.digest("hex") === sha256) return;
  await rm(file, { force: true });
  throw new SandboxError("unavailable", "The kept content of that file was damaged on disk. Run again to get it.");
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch {
    return undefined;
  }
}

async function writing<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    throw new SandboxError(
      "unavailable",
      `A file could not be kept: ${toMessage(cause)}. Free some space and try again.`,
      {
        cause,
      },
    );
  }
}
