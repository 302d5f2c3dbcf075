import { corrupt } from "./tar-format.ts";

/** A given number of bytes of a stream, to be read once, in whole or in part. */
export interface LimitedContent extends AsyncIterable<Uint8Array> {
  /** Passes over what nobody has read. */
  skipRest(): Promise<void>;
}

/** Takes a stream apart by lengths. What throws `invalid` is a stream that ends too early. */
export class ByteReader {
  #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Exactly so many. */
  async take(length: number): Promise<Buffer> {
    const first = await this.#next(length);
    if (first.length === length) return toBuffer(first);
    const bytes = Buffer.alloc(length);
    bytes.set(first);
    for (let offset = first.length; offset < length;) {
      const next = await this.#next(length - offset);
      bytes.set(next, offset);
      offset += next.length;
    }
    return bytes;
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) left -= (await this.#next(left)).length;
  }

  /** The next so many, as they come. */
  limit(length: number): LimitedContent {
    let left = length;
    const next = async (): Promise<Uint8Array | undefined> => {
      if (left === 0) return undefined;
      const bytes = await this.#next(left);
      left -= bytes.length;
      return bytes;
    };
    return {
      async *[Symbol.asyncIterator]() {
        for (let bytes = await next(); bytes; bytes = await next()) yield bytes;
      },
      async skipRest() {
        while (await next());
      },
    };
  }

  /** Reads to the end, so that whoever writes is not held up. @throws {SandboxError} `invalid` beyond `maxBytes` */
  async drain(maxBytes: number): Promise<void> {
    let length = this.#rest.length;
    this.#rest = new Uint8Array(0);
    for (let next = await this.#read(); next; next = await this.#read()) {
      length += next.length;
      if (length > maxBytes) throw corrupt("something follows its end");
    }
  }

  /** Tells the source that nothing more is wanted. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#source.return?.();
  }

  /** Between 1 and `limit` bytes; none when `limit` is 0. */
  async #next(limit: number): Promise<Uint8Array> {
    if (limit === 0) return new Uint8Array(0);
    while (this.#rest.length === 0) {
      const next = await this.#read();
      if (!next) throw corrupt("it is cut short");
      this.#rest = next;
    }
    const bytes = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  async #read(): Promise<Uint8Array | undefined> {
    if (this.#ended) return undefined;
    const next = await this.#source.next();
    if (next.done) this.#ended = true;
    return next.done ? undefined : next.value;
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
