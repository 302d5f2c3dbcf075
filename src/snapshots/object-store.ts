import { createHash, randomBytes } from "node:crypto";
import { createReadStream, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import { look } from "./look.ts";
import { toSha256 } from "./regular-file.ts";

type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
type Written = { readonly sha256: string; readonly sizeBytes: number };

/** Larger content is read in pieces of this. */
const PIECE_BYTES = 1024 * 1024;
/** Up to here content is kept in memory until it is written. */
const SMALL_BYTES = 256 * 1024;

/** Contents of files, kept under their sha-256 (in hex). Safe for several writers and readers at once, in any process. */
export interface ObjectStore {
  has(sha256: string): Promise<boolean>;
  /** Keeps it, once. @throws {SandboxError} `unavailable` when it cannot be written; what `content` throws */
  put(content: Content): Promise<Written>;
  /**
   * The content; ends with an error when it turns out not to be what was kept, so take nothing for good before the end.
   * @throws {SandboxError} `not-found`; `unavailable` for a damaged object, which is removed
   */
  read(sha256: string): AsyncIterable<Uint8Array>;
  /** Where the object is or would be; to be read only. */
  pathOf(sha256: string): string;
  /** For many objects at once: far faster than one by one. The caller ends it, by `finish` or `discard`. */
  openBatch(): ObjectBatch;
}

/** Objects on their way into the store. */
export interface ObjectBatch {
  /** Takes a copy of the content, or drops it when the store has it. `sha256` is the content's: it is not computed again. */
  add(sha256: string, content: Uint8Array): Promise<void>;
  /** Everything added can be read from now on, and survives the end of this process. @throws {SandboxError} `unavailable` */
  finish(): Promise<void>;
  /** Idempotent; does nothing after `finish`. */
  discard(): Promise<void>;
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
    has: async (sha256) => look(pathOf(sha256)) !== undefined,
    put: (content) => put(folder, content, pathOf),
    read: (sha256) => readVerified(pathOf(sha256), sha256),
    openBatch: () => ({
      add: async (_sha256, content) => void (await put(folder, [content], pathOf)),
      finish: async () => undefined,
      discard: async () => undefined,
    }),
  };
}

async function put(folder: string, content: Content, pathOf: (sha256: string) => string): Promise<Written> {
  const { start, rest } = await readStart(content);
  await writing(() => mkdir(folder, { recursive: true, mode: 0o700 }));
  if (!rest) return await writing(() => putWhole(folder, start, pathOf));
  const temporary = join(folder, `${randomBytes(8).toString("hex")}.tmp`);
  try {
    const written = await writeHashed(temporary, start, rest);
    await writing(() => moveIntoPlace(temporary, pathOf(written.sha256), written.sizeBytes));
    return written;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** The first of the content, and what is to come of it; nothing to come when it is small enough to be all. */
async function readStart(
  content: Content,
): Promise<{ start: Buffer; rest?: AsyncIterator<Uint8Array> | Iterator<Uint8Array> }> {
  const rest = Symbol.asyncIterator in content ? content[Symbol.asyncIterator]() : content[Symbol.iterator]();
  const parts: Uint8Array[] = [];
  for (let length = 0; length <= SMALL_BYTES;) {
    const next = await rest.next();
    if (next.done) return { start: Buffer.concat(parts) };
    parts.push(next.value);
    length += next.value.length;
  }
  return { start: Buffer.concat(parts), rest };
}

/** Synchronously: for a small file that takes a tenth of the time, most of which is the way there and back. */
function putWhole(folder: string, content: Buffer, pathOf: (sha256: string) => string): Written {
  const sha256 = toSha256(content);
  const file = pathOf(sha256);
  const written = { sha256, sizeBytes: content.length };
  if (look(file)?.size === BigInt(content.length)) return written;
  const temporary = join(folder, `${randomBytes(8).toString("hex")}.tmp`);
  try {
    writeFileSync(temporary, content, { flag: "wx", mode: 0o600 });
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    // Windows does not replace a file that somebody reads: then it is there, which is all that is wanted.
    if (look(file)?.size !== BigInt(content.length)) throw error;
  }
  return written;
}

async function writeHashed(
  file: string,
  start: Buffer,
  rest: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
): Promise<Written> {
  const handle = await writing(() => open(file, "wx", 0o600));
  const digest = createHash("sha256");
  let sizeBytes = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    digest.update(bytes);
    sizeBytes += bytes.length;
    await writing(() => handle.writeFile(bytes));
  };
  try {
    await write(start);
    for (let next = await rest.next(); !next.done; next = await rest.next()) await write(next.value);
    return { sha256: digest.digest("hex"), sizeBytes };
  } finally {
    await handle.close();
    await rest.return?.();
  }
}

async function moveIntoPlace(temporary: string, file: string, sizeBytes: number): Promise<void> {
  // One of another size is what a power cut left.
  if (look(file)?.size === BigInt(sizeBytes)) return;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await rename(temporary, file);
  } catch (error) {
    if (look(file)?.size !== BigInt(sizeBytes)) throw error;
  }
}

async function* readVerified(file: string, sha256: string): AsyncIterable<Uint8Array> {
  const stat = look(file);
  if (!stat) throw new SandboxError("not-found", "The content of that file is no longer kept. Run again to get it.");
  const digest = createHash("sha256");
  // A stream takes a whole piece of memory for every file, however small the file.
  const highWaterMark = Math.min(PIECE_BYTES, Number(stat.size) + 1);
  for await (const bytes of createReadStream(file, { highWaterMark }) as AsyncIterable<Buffer>) {
    digest.update(bytes);
    yield bytes;
  }
  if (digest.digest("hex") === sha256) return;
  await rm(file, { force: true });
  throw new SandboxError("unavailable", "The kept content of that file was damaged on disk. Run again to get it.");
}

/** Runs what writes. @throws {SandboxError} for whatever it throws */
async function writing<T>(write: () => T | Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const message = `A file could not be kept: ${toMessage(cause)}. Free some space and try again.`;
    throw new SandboxError("unavailable", message, { cause });
  }
}
