import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { BlockWriter } from "./block-writer.ts";
import { encodePackTail, type NewRow, PACK_MAGIC, toPacksFolder } from "./object-pack.ts";

/** A content, and its hash. */
export interface SmallObject {
  readonly sha256: string;
  readonly content: Uint8Array;
}

/** Small contents are gathered to about this much: larger blocks are hardly smaller on disk, and slower to get one out of. */
const GATHERED_BYTES = 256 * 1024;

/** Writes one pack of contents, none of which is larger than a block. */
export class PackWriter {
  readonly #folder: string;
  readonly #rows: NewRow[] = [];
  readonly #headers: Buffer[] = [];
  #writer: BlockWriter | undefined;
  #blockCount = 0;
  #block: SmallObject[] = [];
  #blockBytes = 0;

  /** @param folder of the store */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get objectCount(): number {
    return this.#rows.length;
  }

  /** Whatever is not on its way to the disk yet: all of it as long as there is little. */
  get waiting(): readonly SmallObject[] {
    return this.#block;
  }

  /** As `BlockWriter` counts them. */
  get pendingBytes(): number {
    return this.#writer?.pendingBytes ?? 0;
  }

  /** @param content must not change until the end */
  add(sha256: string, content: Uint8Array): void {
    if (this.#blockBytes > 0 && this.#blockBytes + content.length > GATHERED_BYTES) this.#flush();
    this.#rows.push({ sha256, block: this.#blockCount, offset: this.#blockBytes, length: content.length });
    this.#block.push({ sha256, content });
    this.#blockBytes += content.length;
  }

  /** As `BlockWriter`'s. */
  async idle(): Promise<void> {
    await this.#writer?.idle();
  }

  /** The pack is in its place, and there after a power cut. @throws what writing did */
  async finish(): Promise<void> {
    this.#flush();
    // Sorts by time.
    const id = `${Date.now().toString(36).padStart(10, "0")}-${randomBytes(6).toString("hex")}`;
    const file = join(toPacksFolder(this.#folder), `${id}.pack`);
    await this.#writer?.finish(file, () => encodePackTail(this.#headers, this.#rows));
  }

  /** Idempotent; does nothing after `finish`. */
  async discard(): Promise<void> {
    await this.#writer?.discard();
  }

  #flush(): void {
    this.#writer ??= new BlockWriter(this.#folder, PACK_MAGIC);
    const parts = this.#block.map(({ content }) => content);
    this.#writer.add(Buffer.concat(parts, this.#blockBytes), (header) => this.#headers.push(header));
    this.#block = [];
    this.#blockBytes = 0;
    this.#blockCount++;
  }
}
