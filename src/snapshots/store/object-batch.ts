import { createHash } from "node:crypto";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { BlockWriter } from "./block-writer.ts";
import { BLOCK_BYTES } from "./object-block.ts";
import { OBJECT_MAGIC, toObjectFile } from "./object-file.ts";
import type { ObjectIndex } from "./object-index.ts";
import { PackWriter, type SmallObject } from "./pack-writer.ts";
import { vouchForFile } from "./vouch.ts";

export type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
export type Written = { readonly sha256: string; readonly sizeBytes: number };

/**
 * Objects on their way into the store; the caller ends it, by `finish` or `discard`. What goes wrong with the disk is
 * told by `finish` alone, so that whoever only wants to keep what passes by goes on.
 */
export interface ObjectBatch {
  /**
   * Keeps the content, or drops it when the store has it. `sha256` is the content's: it is not computed again. The bytes
   * must not change until `finish`.
   */
  add(sha256: string, content: Uint8Array): void;
  /** Keeps content that comes in pieces. @throws what `content` throws; then nothing of it is kept */
  put(content: Content): Promise<Written>;
  /** For content whose hash is known only at its end. The caller ends it, by `finish` or `discard`. */
  openStream(): ObjectStream;
  /** Resolves when more may come: without it, what has been added piles up in memory. Never rejects. */
  room(): Promise<void>;
  /** Everything added can be read from now on, and is there after a power cut. @throws {SandboxError} `unavailable` */
  finish(): Promise<void>;
  /** Idempotent; does nothing after `finish`. */
  discard(): Promise<void>;
}

/** One content on its way into a batch. */
interface ObjectStream {
  /** @param piece must not change until the batch's `finish` */
  write(piece: Uint8Array): void;
  /** @param sha256 of all that was written */
  finish(sha256: string): void;
  /** Idempotent; does nothing after `finish`. */
  discard(): void;
}

/** So few are written one file each: a pack would have to be looked through by every search from then on. */
const MAX_LOOSE_OBJECTS = 8;
/** More than this on its way is more than a disk takes in a moment. */
const MAX_PENDING_BYTES = 8 * BLOCK_BYTES;
const MAX_ENDING = 16;

/** @param folder of the store; need not exist yet */
export function createObjectBatch(folder: string, index: ObjectIndex): ObjectBatch {
  return new Batch(folder, index);
}

class Batch implements ObjectBatch {
  readonly #folder: string;
  readonly #index: ObjectIndex;
  readonly #added = new Set<string>();
  readonly #writers = new Set<BlockWriter>();
  /** Large objects on their way into place. */
  readonly #ending = new Set<Promise<void>>();
  readonly #pack: PackWriter;
  #failure: { readonly cause: unknown } | undefined;

  constructor(folder: string, index: ObjectIndex) {
    this.#folder = folder;
    this.#index = index;
    this.#pack = new PackWriter(folder);
    index.refresh();
  }

  add(sha256: string, content: Uint8Array): void {
    if (this.#failure || this.#added.has(sha256) || this.#index.vouch(sha256)) return;
    if (content.length > BLOCK_BYTES) {
      if (vouchForFile(toObjectFile(this.#folder, sha256))) return;
      const stream = this.openStream();
      stream.write(content);
      stream.finish(sha256);
      return;
    }
    this.#added.add(sha256);
    this.#pack.add(sha256, content);
  }

  async put(content: Content): Promise<Written> {
    const digest = createHash("sha256");
    const small: Uint8Array[] = [];
    let stream: ObjectStream | undefined;
    let sizeBytes = 0;
    try {
      for await (const piece of content) {
        digest.update(piece);
        sizeBytes += piece.length;
        small.push(piece);
        if (sizeBytes <= BLOCK_BYTES) continue;
        stream ??= this.openStream();
        for (const part of small.splice(0)) stream.write(part);
        await this.room();
      }
      const sha256 = digest.digest("hex");
      if (stream) stream.finish(sha256);
      else this.add(sha256, Buffer.concat(small));
      return { sha256, sizeBytes };
    } finally {
      stream?.discard();
    }
  }

  openStream(): ObjectStream {
    const writer = this.#openWriter(OBJECT_MAGIC);
    const gather = new Gather((block) => writer.add(block));
    let isOver = false;
    const end = (work: Promise<void>): void => {
      isOver = true;
      const ending = work
        .catch((cause: unknown) => {
          this.#failure ??= { cause };
        })
        .finally(() => {
          this.#writers.delete(writer);
          this.#ending.delete(ending);
        });
      this.#ending.add(ending);
    };
    return {
      write: (piece) => gather.write(piece),
      finish: (sha256) => {
        const file = toObjectFile(this.#folder, sha256);
        if (this.#added.has(sha256) || vouchForFile(file)) {
          end(writer.discard());
          return;
        }
        this.#added.add(sha256);
        gather.flush();
        end(writer.finish(file));
      },
      discard: () => {
        if (!isOver) end(writer.discard());
      },
    };
  }

  async room(): Promise<void> {
    while (!this.#failure) {
      const [oldest] = this.#ending;
      if (oldest && this.#ending.size > MAX_ENDING) await oldest;
      const busy = [this.#pack, ...this.#writers].filter(({ pendingBytes }) => pendingBytes > 0);
      if (busy.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0) <= MAX_PENDING_BYTES) return;
      await busy[0]?.idle();
    }
  }

  async finish(): Promise<void> {
    try {
      await Promise.all(this.#ending);
      if (this.#failure) throw this.#failure.cause;
      if (this.#pack.objectCount > MAX_LOOSE_OBJECTS || this.#pack.objectCount > this.#pack.waiting.length) {
        await this.#pack.finish();
        this.#index.refresh(true);
      } else await Promise.all(this.#pack.waiting.map((object) => this.#keepLoose(object)));
    } catch (cause) {
      const message = `A file could not be kept: ${toMessage(cause)}. Free some space and try again.`;
      throw new SandboxError("unavailable", message, { cause });
    } finally {
      await this.discard();
    }
  }

  async discard(): Promise<void> {
    this.#failure ??= { cause: new Error("it was given up") };
    await Promise.all([this.#pack, ...this.#writers].map((writer) => writer.discard()));
    await Promise.all(this.#ending);
  }

  #openWriter(magic: Buffer): BlockWriter {
    const writer = new BlockWriter(this.#folder, magic);
    this.#writers.add(writer);
    return writer;
  }

  async #keepLoose({ sha256, content }: SmallObject): Promise<void> {
    const file = toObjectFile(this.#folder, sha256);
    if (vouchForFile(file)) return;
    const writer = this.#openWriter(OBJECT_MAGIC);
    writer.add(content);
    await writer.finish(file);
  }
}

/** Makes blocks of pieces of any size. */
class Gather {
  readonly #onBlock: (block: Uint8Array) => void;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(onBlock: (block: Uint8Array) => void) {
    this.#onBlock = onBlock;
  }

  write(piece: Uint8Array): void {
    for (let rest = piece; rest.length > 0;) {
      const part = rest.subarray(0, BLOCK_BYTES - this.#bytes);
      this.#parts.push(part);
      this.#bytes += part.length;
      rest = rest.subarray(part.length);
      if (this.#bytes === BLOCK_BYTES) this.flush();
    }
  }

  flush(): void {
    const [only] = this.#parts;
    if (!only) return;
    this.#onBlock(this.#parts.length === 1 ? only : Buffer.concat(this.#parts, this.#bytes));
    this.#parts = [];
    this.#bytes = 0;
  }
}
