import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BLOCK_HEADER_BYTES, encodeBlock } from "./object-block.ts";

/**
 * Writes a file of blocks beside its place: compresses several at once, writes them in order, and moves the file into
 * place when it is complete and on the disk. Nothing here throws before the end: the first failure is told by `finish`.
 */
export class BlockWriter {
  readonly #temporary: string;
  readonly #magic: Buffer;
  #handle: Promise<FileHandle> | undefined;
  #last: Promise<void> = Promise.resolve();
  #failure: { readonly cause: unknown } | undefined;
  #pendingBytes = 0;

  /** @param folder where the file is while it is not complete; on the same disk as its place */
  constructor(folder: string, magic: Buffer) {
    this.#temporary = join(folder, `${randomBytes(8).toString("hex")}.tmp`);
    this.#magic = magic;
  }

  /** Of what has been added, and is not written yet. */
  get pendingBytes(): number {
    return this.#failure ? 0 : this.#pendingBytes;
  }

  /** `onWritten` is given the header as it was written. @param raw must not change any more */
  add(raw: Uint8Array, onWritten?: (header: Buffer) => void): void {
    if (this.#failure) return;
    this.#pendingBytes += raw.length;
    const encoding = encodeBlock(raw);
    // Whoever waits for its turn is told as well.
    encoding.catch(() => {});
    this.#last = this.#after(this.#last, async () => {
      const block = await encoding;
      await (await this.#open()).writeFile(block);
      this.#pendingBytes -= raw.length;
      // A part of the block would keep all of it in memory.
      onWritten?.(Buffer.from(block.subarray(0, BLOCK_HEADER_BYTES)));
    });
  }

  /** Resolves when all that has been added so far is written, or has failed to be. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /** The file is in its place when this resolves, and there after a power cut. @throws what writing did */
  async finish(file: string, toTail?: () => Buffer): Promise<void> {
    try {
      await this.#last;
      if (this.#failure) throw this.#failure.cause;
      const handle = await this.#open();
      if (toTail) await handle.writeFile(toTail());
      await handle.datasync();
      await this.#close();
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await rename(this.#temporary, file);
      await syncFolder(dirname(file));
    } finally {
      await this.discard();
    }
  }

  /** Idempotent; does nothing after `finish`. */
  async discard(): Promise<void> {
    this.#failure ??= { cause: new Error("It was given up.") };
    await this.#last;
    await this.#close();
    // What stays is swept with the garbage.
    await rm(this.#temporary, { force: true }).catch(() => {});
  }

  async #after(before: Promise<void>, work: () => Promise<void>): Promise<void> {
    await before;
    if (this.#failure) return;
    try {
      await work();
    } catch (cause) {
      this.#failure ??= { cause };
    }
  }

  #open(): Promise<FileHandle> {
    this.#handle ??= openNew(this.#temporary, this.#magic);
    return this.#handle;
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await (await handle?.catch(() => undefined))?.close();
  }
}

async function openNew(file: string, magic: Buffer): Promise<FileHandle> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(magic);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A new name is only safe once its folder is. Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
