import { encodePaxRecord } from "./pax.ts";
import {
  BLOCK_BYTES,
  encodeHeader,
  MAX_OCTAL_SIZE,
  NAME_BYTES,
  splitName,
  type TarHeaderFields,
  toPaddingBytes,
} from "./tar-format.ts";

/** One entry to write. Paths are safe; nothing here checks them. */
export type TarInput = { readonly path: string; /** Now when left out. */ readonly mtimeSeconds?: number } & (
  | {
      readonly type: "file";
      readonly sizeBytes: number;
      readonly executable: boolean;
      /** Exactly `sizeBytes`: more is cut off, less is made up with zeros, so that what follows stays readable. */
      readonly content: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
    }
  | { readonly type: "link"; readonly target: string }
  | { readonly type: "directory" }
);

const PIECE_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(64 * 1024);

/**
 * A ustar archive in pieces of about 1 MiB. A name or link that has no room in a header comes in a pax extended header,
 * and once more in the form of GNU tar ("././@LongLink"), which is all that busybox understands.
 */
export async function* writeTar(entries: AsyncIterable<TarInput> | Iterable<TarInput>): AsyncIterable<Uint8Array> {
  const piece = new Piece();
  for await (const entry of entries) {
    piece.add(encodeEntryHeaders(entry));
    // A generator costs more than a small file does.
    if (entry.type === "file" && isWhole(entry)) addWhole(piece, entry.content);
    else if (entry.type === "file") yield* writeContent(piece, entry.content, entry.sizeBytes);
    if (piece.isFull) yield piece.take();
  }
  piece.add(ZEROS.subarray(0, 2 * BLOCK_BYTES));
  yield piece.take();
}

/** Gathers what is small; what is large goes out as it came. */
class Piece {
  #parts: Uint8Array[] = [];
  #length = 0;

  get isFull(): boolean {
    return this.#length >= PIECE_BYTES;
  }

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  take(): Uint8Array {
    const [only, ...others] = this.#parts;
    const bytes = only && others.length === 0 ? only : Buffer.concat(this.#parts, this.#length);
    this.#parts = [];
    this.#length = 0;
    return bytes;
  }
}

type FileInput = Extract<TarInput, { type: "file" }>;

function isWhole(file: FileInput): file is FileInput & { readonly content: Uint8Array } {
  return file.content instanceof Uint8Array && file.content.length === file.sizeBytes;
}

function addWhole(piece: Piece, content: Uint8Array): void {
  piece.add(content);
  piece.add(ZEROS.subarray(0, toPaddingBytes(content.length)));
}

async function* writeContent(
  piece: Piece,
  content: FileInput["content"],
  sizeBytes: number,
): AsyncIterable<Uint8Array> {
  let left = sizeBytes;
  for await (const bytes of content instanceof Uint8Array ? [content] : content) {
    const wanted = bytes.subarray(0, left);
    left -= wanted.length;
    piece.add(wanted);
    if (piece.isFull) yield piece.take();
    if (left === 0) break;
  }
  for (let missing = left + toPaddingBytes(sizeBytes); missing > 0;) {
    const zeros = ZEROS.subarray(0, missing);
    missing -= zeros.length;
    piece.add(zeros);
    if (piece.isFull) yield piece.take();
  }
}

function encodeEntryHeaders(entry: TarInput): Buffer {
  const name = Buffer.from(entry.type === "directory" ? `${entry.path}/` : entry.path);
  const linkName = Buffer.from(entry.type === "link" ? entry.target : "");
  const sizeBytes = entry.type === "file" ? entry.sizeBytes : 0;
  const mtimeSeconds = entry.mtimeSeconds ?? Date.now() / 1000;
  const fields = { type: toType(entry), name, linkName, mode: toMode(entry), sizeBytes, mtimeSeconds };
  return Buffer.concat([...encodeExtensions(fields), encodeHeader(fields)]);
}

/** What there is no room for in the header itself. */
function encodeExtensions({ name, linkName, sizeBytes }: TarHeaderFields & { linkName: Uint8Array }): Buffer[] {
  const records: Buffer[] = [];
  const long: Buffer[] = [];
  if (linkName.length > NAME_BYTES) {
    records.push(encodePaxRecord("linkpath", linkName));
    long.push(encodeMeta("K", "././@LongLink", Buffer.concat([linkName, ZEROS.subarray(0, 1)])));
  }
  if (splitName(name) === undefined) {
    records.push(encodePaxRecord("path", name));
    long.push(encodeMeta("L", "././@LongLink", Buffer.concat([name, ZEROS.subarray(0, 1)])));
  }
  if (sizeBytes > MAX_OCTAL_SIZE) records.push(encodePaxRecord("size", Buffer.from(String(sizeBytes))));
  return records.length === 0 ? [] : [encodeMeta("x", "PaxHeader", Buffer.concat(records)), ...long];
}

/** A header with content that is about the next one. */
function encodeMeta(type: string, name: string, content: Buffer): Buffer {
  const fields = { type, name: Buffer.from(name), mode: 0o644, sizeBytes: content.length, mtimeSeconds: 0 };
  return Buffer.concat([encodeHeader(fields), content, ZEROS.subarray(0, toPaddingBytes(content.length))]);
}

function toType({ type }: TarInput): string {
  return { file: "0", link: "2", directory: "5" }[type];
}

function toMode(entry: TarInput): number {
  if (entry.type === "file") return entry.executable ? 0o755 : 0o644;
  return entry.type === "link" ? 0o777 : 0o755;
}
