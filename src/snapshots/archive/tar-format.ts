import { SandboxError } from "../../core/sandbox-error.ts";

/** Everything in an archive is a multiple of this. */
export const BLOCK_BYTES = 512;

/** What one header says, before any extended header has its say. */
export interface TarHeader {
  /** One character; "0" also for the NUL of older archives. */
  readonly type: string;
  /** Raw bytes: only the reader knows whether they count. */
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly mode: number;
  readonly sizeBytes: number;
}

/** What to write into one header; numbers that do not fit belong into an extended header. */
export interface TarHeaderFields {
  readonly type: string;
  readonly name: Uint8Array;
  readonly linkName?: Uint8Array;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
}

const NAME = 0;
const MODE = 100;
const UID = 108;
const GID = 116;
const SIZE = 124;
const MTIME = 136;
const CHECKSUM = 148;
const TYPE = 156;
const LINK_NAME = 157;
const MAGIC = 257;
const PREFIX = 345;

/** Longest name, and longest link, that a header has room for (a longer name may still split into a prefix and this). */
export const NAME_BYTES = 100;
/** Largest size that eleven octal digits hold. */
export const MAX_OCTAL_SIZE = 0o77777777777;

/** Any number that an archive gets wrong. */
export function corrupt(detail: string): SandboxError {
  return new SandboxError("invalid", `The archive is damaged: ${detail}. Nothing further was taken from it.`);
}

/**
 * One ustar header (POSIX.1-2017, pax, "ustar Interchange Format":
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06). The name is cut when it is too long:
 * an extended header before it then carries the whole. Owner and group are 0.
 */
export function encodeHeader(fields: TarHeaderFields): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const [prefix, name] = splitName(fields.name) ?? [fields.name.subarray(0, 0), fields.name.subarray(0, NAME_BYTES)];
  header.set(name, NAME);
  header.set(prefix, PREFIX);
  writeOctal(header, MODE, 8, fields.mode);
  writeOctal(header, UID, 8, 0);
  writeOctal(header, GID, 8, 0);
  writeOctal(header, SIZE, 12, Math.min(fields.sizeBytes, MAX_OCTAL_SIZE));
  writeOctal(header, MTIME, 12, Math.min(Math.max(0, Math.floor(fields.mtimeSeconds)), MAX_OCTAL_SIZE));
  header.write(fields.type, TYPE, "latin1");
  if (fields.linkName) header.set(fields.linkName.subarray(0, NAME_BYTES), LINK_NAME);
  header.write("ustar\u000000", MAGIC, "latin1");
  header.write(`${toChecksum(header).toString(8).padStart(6, "0")}\0 `, CHECKSUM, "latin1");
  return header;
}

/** Prefix (at most 155 bytes) and name (at most 100), to be joined by "/"; undefined when the name does not split so. */
export function splitName(name: Uint8Array): [Uint8Array, Uint8Array] | undefined {
  if (name.length <= NAME_BYTES) return [name.subarray(0, 0), name];
  // The name may end with the slash of a folder, which is no place to split.
  for (let slash = Math.max(1, name.length - NAME_BYTES - 1); slash <= 155 && slash < name.length - 1; slash++)
    if (name[slash] === 0x2f) return [name.subarray(0, slash), name.subarray(slash + 1)];
  return undefined;
}

/**
 * Reads a header: ustar, GNU's and the older form without magic. Undefined for a block of zeros, which ends an archive.
 * @throws {SandboxError} `invalid` for a wrong checksum, or a size that is none
 */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const checksum = decodeNumber(block, CHECKSUM, 8);
  if (checksum !== toChecksum(block) && checksum !== toChecksum(block, true)) throw corrupt("a checksum is wrong");
  const type = block[TYPE] === 0 ? "0" : String.fromCharCode(block[TYPE] ?? 0);
  const name = cutAtNul(block.subarray(NAME, NAME + NAME_BYTES));
  // GNU's form keeps other things where ustar has the prefix.
  const isUstar = block.toString("latin1", MAGIC, MAGIC + 6) === "ustar\0";
  const prefix = isUstar ? cutAtNul(block.subarray(PREFIX, PREFIX + 155)) : block.subarray(0, 0);
  return {
    type,
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from("/"), name]) : name,
    linkName: cutAtNul(block.subarray(LINK_NAME, LINK_NAME + NAME_BYTES)),
    mode: decodeNumber(block, MODE, 8),
    sizeBytes: decodeNumber(block, SIZE, 12),
  };
}

/** How many bytes fill up the last block of so much content. */
export function toPaddingBytes(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

function writeOctal(header: Buffer, offset: number, width: number, value: number): void {
  header.write(value.toString(8).padStart(width - 1, "0"), offset, "latin1");
}

/** Sum of all bytes, with those of the sum itself taken for spaces; some old programs took bytes for signed. */
function toChecksum(block: Buffer, signed = false): number {
  let sum = 0;
  for (let index = 0; index < BLOCK_BYTES; index++) {
    const byte = index >= CHECKSUM && index < CHECKSUM + 8 ? 0x20 : (block[index] ?? 0);
    sum += signed && byte > 127 ? byte - 256 : byte;
  }
  return sum;
}

/** Octal digits, or big-endian binary with the top bit set (GNU, for what octal has no room for). */
function decodeNumber(block: Buffer, offset: number, width: number): number {
  const first = block[offset] ?? 0;
  if (first === 0x80) return toSafe(BigInt(`0x${block.toString("hex", offset + 1, offset + width)}`));
  const text = block.toString("latin1", offset, offset + width).replace(/^[ \0]+|[ \0].*$/gs, "");
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw corrupt("a number in a header is not a number, or negative");
  return toSafe(BigInt(`0o${text}`));
}

function toSafe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt("a number in a header is too large");
  return Number(value);
}

function cutAtNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}
