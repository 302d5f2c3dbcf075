import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { isKnownListing, type KnownListing, type Listing } from "./folder-listing.ts";
import { type FolderNode, toFolderNode } from "./folder-node.ts";
import { toSha256 } from "../regular-file.ts";
import type { SkippedPath } from "./scanner.ts";
import type { CachedFile } from "./stat-cache.ts";

/*
 * The file: magic, sha-256 of the rest in hex, length of the numbers, numbers, strings joined by NUL. The tree comes folder
 * by folder, each followed by those in it. Little-endian. Only what may be believed is kept: links, and files and
 * folders that are not settled, are looked at again anyway. The first string names the code that judged the names:
 * another version may have other rules, so that it believes what is said of files, but no listing.
 */
const MAGIC = "SPSCAN01";
const HEADER_BYTES = MAGIC.length + 64 + 4;
const FOLDER_BYTES = 3 + 8 * 3 + 4 * 4;
const FILE_BYTES = 8 * 4 + 32 + 1;
const STRINGS_PER_SKIPPED = 3;
// Most folders have none of one kind or the other: these are for all of them, and stay empty.
const NONE: readonly never[] = [];
const NO_FILES = new Map<string, CachedFile>();
const NO_ENTRIES = new Map<string, CachedFile["entry"]>();
const NO_FOLDERS = new Map<string, FolderNode>();
const UNKNOWN = { mtimeNs: 0n, ctimeNs: 0n, ino: 0n };

/** The tree of the last scan; undefined when the file is missing, damaged or of another version: that costs time, no more. */
export function readScanCache(file: string, code: string): FolderNode | undefined {
  try {
    const bytes = readFileSync(file);
    const checksum = bytes.toString("latin1", MAGIC.length, MAGIC.length + 64);
    if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
    if (toSha256(bytes.subarray(MAGIC.length + 64)) !== checksum) return undefined;
    const stringsAt = HEADER_BYTES + bytes.readUInt32LE(HEADER_BYTES - 4);
    const strings = bytes.toString("utf8", stringsAt).split("\0");
    // Its numbers are read several times as fast as by a Buffer's own methods.
    const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return decode({ bytes, numbers, at: HEADER_BYTES, strings, next: 1, isOwn: strings[0] === code });
  } catch {
    return undefined;
  }
}

/** Replaces the file as a whole. Failing to is no error: the next scan is slower. */
export function writeScanCache(file: string, root: FolderNode, code: string): void {
  const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, toBytes(root, code), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    rmSync(temporary, { force: true });
  }
}

function toBytes(root: FolderNode, code: string): Buffer {
  const writer: Writer = { bytes: Buffer.allocUnsafe(1024 * 1024), at: HEADER_BYTES, strings: [code] };
  encode(writer, root);
  const strings = Buffer.from(writer.strings.join("\0"));
  writer.bytes.writeUInt32LE(writer.at - HEADER_BYTES, HEADER_BYTES - 4);
  const bytes = Buffer.concat([writer.bytes.subarray(0, writer.at), strings]);
  bytes.write(MAGIC, 0, "latin1");
  bytes.write(toSha256(bytes.subarray(MAGIC.length + 64)), MAGIC.length, "latin1");
  return bytes;
}

interface Writer {
  bytes: Buffer;
  at: number;
  readonly strings: string[];
}

/** Makes room, and returns where it starts. */
function take(writer: Writer, count: number): number {
  const { at, bytes } = writer;
  if (at + count > bytes.length) writer.bytes = Buffer.concat([bytes, Buffer.allocUnsafe(bytes.length + count)]);
  writer.at = at + count;
  return at;
}

function encode(writer: Writer, node: FolderNode): void {
  const { listing } = node;
  encodeListing(writer, listing);
  for (const name of listing.others) encodeFile(writer, node.stats.get(name));
  for (const name of listing.folders) {
    const below = node.folders.get(name);
    const at = take(writer, 1);
    writer.bytes.writeUInt8(below ? 1 : 0, at);
    if (below) encode(writer, below);
  }
}

function encodeListing(writer: Writer, listing: Listing | KnownListing): void {
  const { folders, others, notes, skipped, ignoreFiles, rulesKey } = listing;
  const isKnown = isKnownListing(listing);
  const { mtimeNs, ctimeNs, ino } = isKnown ? listing : UNKNOWN;
  const at = take(writer, FOLDER_BYTES);
  const { bytes, strings } = writer;
  bytes.writeUInt8(Number(isKnown), at);
  bytes.writeUInt8(Number(ignoreFiles.gitignore), at + 1);
  bytes.writeUInt8(Number(ignoreFiles.sandboxignore), at + 2);
  bytes.writeBigInt64LE(mtimeNs, at + 3);
  bytes.writeBigInt64LE(ctimeNs, at + 11);
  bytes.writeBigUInt64LE(ino, at + 19);
  strings.push(rulesKey);
  for (const [index, names] of [folders, others, notes].entries()) {
    bytes.writeUInt32LE(names.length, at + 27 + 4 * index);
    for (const name of names) strings.push(name);
  }
  bytes.writeUInt32LE(skipped.length, at + 39);
  for (const { path, kind, reason } of skipped) strings.push(path, kind, reason);
}

function encodeFile(writer: Writer, file: CachedFile | undefined): void {
  const at = take(writer, 1 + (file ? FILE_BYTES : 0));
  const { bytes } = writer;
  bytes.writeUInt8(file ? 1 : 0, at);
  if (!file) return;
  bytes.writeBigInt64LE(file.mtimeNs, at + 1);
  bytes.writeBigInt64LE(file.ctimeNs, at + 9);
  bytes.writeBigUInt64LE(file.ino, at + 17);
  bytes.writeDoubleLE(file.entry.sizeBytes, at + 25);
  bytes.write(file.entry.sha256, at + 33, "hex");
  bytes.writeUInt8(file.entry.executable ? 1 : 0, at + 65);
}

interface Reader {
  readonly bytes: Buffer;
  readonly numbers: DataView;
  at: number;
  readonly strings: readonly string[];
  next: number;
  /** Whether this code wrote it. */
  readonly isOwn: boolean;
}

function decode(reader: Reader): FolderNode {
  const listing = decodeListing(reader);
  const { others } = listing;
  const stats = others.length === 0 ? NO_FILES : new Map<string, CachedFile>();
  const entries = others.length === 0 ? NO_ENTRIES : new Map<string, CachedFile["entry"]>();
  for (const name of others) {
    const file = decodeFile(reader);
    if (!file) continue;
    stats.set(name, file);
    entries.set(name, file.entry);
  }
  const folders = listing.folders.length === 0 ? NO_FOLDERS : new Map<string, FolderNode>();
  for (const name of listing.folders) if (reader.bytes[reader.at++] === 1) folders.set(name, decode(reader));
  return toFolderNode({ listing, stats, entries, folders, linked: NONE, skipped: NONE });
}

function decodeListing(reader: Reader): Listing | KnownListing {
  const { bytes, numbers, at } = reader;
  const count = (index: number): number => numbers.getUint32(at + 27 + 4 * index, true);
  reader.at += FOLDER_BYTES;
  const [rulesKey = ""] = takeStrings(reader, 1);
  const listing: Listing = {
    folders: takeStrings(reader, count(0)),
    others: takeStrings(reader, count(1)),
    notes: takeStrings(reader, count(2)),
    skipped: toSkipped(takeStrings(reader, count(3) * STRINGS_PER_SKIPPED)),
    ignoreFiles: { gitignore: bytes[at + 1] === 1, sandboxignore: bytes[at + 2] === 1 },
    rulesKey,
  };
  if (!reader.isOwn || bytes[at] === 0) return listing;
  return {
    ...listing,
    mtimeNs: numbers.getBigInt64(at + 3, true),
    ctimeNs: numbers.getBigInt64(at + 11, true),
    ino: numbers.getBigUint64(at + 19, true),
  };
}

function takeStrings(reader: Reader, count: number): readonly string[] {
  if (count === 0) return NONE;
  const start = reader.next;
  reader.next += count;
  return reader.strings.slice(start, reader.next);
}

function toSkipped(strings: readonly string[]): readonly SkippedPath[] {
  if (strings.length === 0) return NONE;
  const rows: SkippedPath[] = [];
  for (let at = 0; at < strings.length; at += STRINGS_PER_SKIPPED) {
    const [path = "", kind = "", reason = ""] = strings.slice(at, at + STRINGS_PER_SKIPPED);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the checksum vouches for what the encoder wrote
    rows.push({ path, kind: kind as SkippedPath["kind"], reason });
  }
  return rows;
}

function decodeFile(reader: Reader): CachedFile | undefined {
  const { bytes, numbers } = reader;
  const at = reader.at++;
  if (bytes[at] !== 1) return undefined;
  reader.at += FILE_BYTES;
  return {
    mtimeNs: numbers.getBigInt64(at + 1, true),
    ctimeNs: numbers.getBigInt64(at + 9, true),
    ino: numbers.getBigUint64(at + 17, true),
    entry: {
      type: "file",
      sizeBytes: numbers.getFloat64(at + 25, true),
      sha256: bytes.toString("hex", at + 33, at + 65),
      executable: bytes[at + 65] === 1,
    },
  };
}
