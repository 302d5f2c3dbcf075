import { PassThrough, type Readable } from "node:stream";

/** One part of a form as it comes in. */
export interface FormPart {
  /** The field's. */
  readonly name: string;
  /** To be read to its end before the next part comes. */
  readonly body: Readable;
}

const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");

/**
 * Reads `multipart/form-data` as it comes, and does not wait for its end. Source: RFC 7578, RFC 2046 section 5.1.
 *
 * @throws Error when there is no boundary, or the form ends before its last one
 */
export async function* readForm(source: Readable, contentType: string): AsyncGenerator<FormPart, void, undefined> {
  const [, quoted, bare] = /boundary=(?:"([^"]+)"|([^;]+))/.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw new Error("invalid multipart form");
  // A first line break, so that the first boundary looks like all others.
  const form = new FormReader(source, Buffer.from(`\r\n--${boundary}`), CRLF);
  await form.skipToBoundary();
  while (await form.hasMore()) {
    const head = await form.readTo(HEAD_END);
    const body = new PassThrough();
    const copied = form.copyToBoundary(body);
    yield { name: /name="([^"]*)"/.exec(head.toString())?.[1] ?? "", body };
    body.resume();
    await copied;
  }
}

/** The bytes of a form, with what has come and has not been looked at. */
class FormReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #delimiter: Buffer;
  #buffer: Buffer;

  constructor(source: Readable, delimiter: Buffer, before: Buffer) {
    this.#chunks = source[Symbol.asyncIterator]();
    this.#delimiter = delimiter;
    this.#buffer = before;
  }

  async skipToBoundary(): Promise<void> {
    await this.readTo(this.#delimiter);
  }

  /** Whether another part follows the boundary that has been read. */
  async hasMore(): Promise<boolean> {
    const end = (await this.#take(2)).toString();
    if (end === "--") for (let isThere = true; isThere;) isThere = await this.#fill();
    return end === "\r\n";
  }

  /** What stands before a mark; both are used up. */
  async readTo(mark: Buffer): Promise<Buffer> {
    for (;;) {
      const at = this.#buffer.indexOf(mark);
      if (at !== -1) return this.#cut(at, mark.byteLength);
      await this.#fillOrFail();
    }
  }

  /** Passes on what stands before the next boundary, as it comes. */
  async copyToBoundary(to: PassThrough): Promise<void> {
    try {
      for (;;) {
        const at = this.#buffer.indexOf(this.#delimiter);
        // What could be the beginning of a boundary waits.
        const safe = at === -1 ? Math.max(0, this.#buffer.byteLength - this.#delimiter.byteLength) : at;
        const chunk = this.#cut(safe, at === -1 ? 0 : this.#delimiter.byteLength);
        if (chunk.byteLength > 0 && !to.write(chunk)) await new Promise((resolve) => void to.once("drain", resolve));
        if (at !== -1) return void to.end();
        await this.#fillOrFail();
      }
    } catch (error) {
      to.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  async #take(bytes: number): Promise<Buffer> {
    while (this.#buffer.byteLength < bytes) await this.#fillOrFail();
    return this.#cut(bytes, 0);
  }

  #cut(bytes: number, skipped: number): Buffer {
    const head = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes + skipped);
    return head;
  }

  async #fill(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#buffer = Buffer.concat([this.#buffer, next.value]);
    return true;
  }

  async #fillOrFail(): Promise<void> {
    if (!(await this.#fill())) throw new Error("unexpected end of the form");
  }
}
