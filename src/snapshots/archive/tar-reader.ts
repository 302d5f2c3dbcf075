import { isUtf8 } from "node:buffer";
import { SandboxError } from "../../core/sandbox-error.ts";
import { ByteReader } from "./byte-reader.ts";
import { createPathGate, type PathGate } from "../path-gate.ts";
import { decodePax, type PaxRecords, toPaxSize } from "./pax.ts";
import { BLOCK_BYTES, corrupt, decodeHeader, type TarHeader, toPaddingBytes } from "./tar-format.ts";

/** How much of an archive to put up with; what goes beyond ends the reading with an error, but a too large file alone. */
export interface TarLimits {
  /** Headers of every kind count. */
  readonly maxEntries: number;
  /** Of content, that of refused entries included. */
  readonly maxTotalBytes: number;
  /** A larger file is refused by itself. */
  readonly maxFileBytes: number;
}

/** What comes out of an archive. Every path but a refused one is safe, and none comes twice. */
export type TarEntry =
  | {
      readonly type: "file";
      readonly path: string;
      readonly sizeBytes: number;
      readonly executable: boolean;
      /** Single-use; whatever of it is not read by the time of the next entry is skipped. */
      readonly content: AsyncIterable<Uint8Array>;
    }
  /** The target is text, and anything. */
  | { readonly type: "link"; readonly path: string; readonly target: string }
  | { readonly type: "directory"; readonly path: string }
  /** `path` may be anything, and is for display alone. */
  | { readonly type: "refused"; readonly path: string; readonly reason: string };

/** What extended headers say about the header after them. */
interface Extension {
  readonly pax: PaxRecords;
  readonly longName?: Buffer;
  readonly longLink?: Buffer;
}

interface Archive {
  readonly bytes: ByteReader;
  readonly limits: TarLimits;
  readonly gate: PathGate;
  contentBytes: number;
}

const NO_EXTENSION: Extension = { pax: new Map() };
const MAX_EXTENSION_BYTES = 1024 * 1024;
// GNU tar fills up to a record of 10 KiB; more than this after the end is not filling.
const MAX_TRAILING_BYTES = 1024 * 1024;
const MAX_LINK_BYTES = 4096;

/**
 * Reads an archive that nobody vouches for: ustar, pax (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html)
 * and GNU's long names (https://www.gnu.org/software/tar/manual/html_node/Standard.html). Only files, folders and
 * symbolic links come out; hard links, devices, pipes, sparse files and whatever has an unsafe path come as `refused`.
 * @throws {SandboxError} `invalid` for an archive that is damaged or cut short, `blocked` for one that is beyond a limit
 */
export async function* readTar(
  tar: AsyncIterable<Uint8Array>,
  limits: TarLimits,
  platform: NodeJS.Platform = process.platform,
): AsyncIterable<TarEntry> {
  const bytes = new ByteReader(tar);
  const archive = { bytes, limits, gate: createPathGate(platform), contentBytes: 0 };
  let extension: Extension = NO_EXTENSION;
  try {
    for (let count = 1; ; count++) {
      const header = decodeHeader(await bytes.take(BLOCK_BYTES));
      if (!header) break;
      if (count > limits.maxEntries) throw beyond(`more than ${limits.maxEntries} entries`);
      if (isExtension(header)) {
        extension = extend(extension, header, await readExtension(archive, header));
        continue;
      }
      yield* readEntry(archive, header, extension);
      extension = NO_EXTENSION;
    }
    if (extension !== NO_EXTENSION) throw corrupt("it ends after an extended header");
    await bytes.drain(MAX_TRAILING_BYTES);
  } finally {
    await bytes.close();
  }
}

function isExtension({ type }: TarHeader): boolean {
  return type === "x" || type === "g" || type === "L" || type === "K";
}

async function readExtension(archive: Archive, header: TarHeader): Promise<Buffer> {
  if (header.sizeBytes > MAX_EXTENSION_BYTES) throw corrupt("an extended header is too large");
  countBytes(archive, header.sizeBytes);
  const content = await archive.bytes.take(header.sizeBytes);
  await archive.bytes.skip(toPaddingBytes(header.sizeBytes));
  return content;
}

function extend(before: Extension, header: TarHeader, content: Buffer): Extension {
  if (header.type === "L") return { ...before, longName: cutAtNul(content) };
  if (header.type === "K") return { ...before, longLink: cutAtNul(content) };
  const pax = decodePax(content);
  // What a global header says (git keeps a commit there) is about no entry of its own.
  return header.type === "x" ? { ...before, pax } : before;
}

async function* readEntry(archive: Archive, header: TarHeader, extension: Extension): AsyncIterable<TarEntry> {
  if (header.type === "S") throw corrupt("it holds a sparse file in a form that is not read");
  const size = extension.pax.get("size");
  const sizeBytes = size ? toPaxSize(size) : header.sizeBytes;
  countBytes(archive, sizeBytes);
  const content = archive.bytes.limit(sizeBytes);
  const entry = toEntry(archive, { ...header, sizeBytes }, extension);
  if (entry?.type === "file") yield { ...entry, content };
  else if (entry) yield entry;
  await content.skipRest();
  await archive.bytes.skip(toPaddingBytes(sizeBytes));
}

function countBytes(archive: Archive, sizeBytes: number): void {
  archive.contentBytes += sizeBytes;
  if (archive.contentBytes > archive.limits.maxTotalBytes)
    throw beyond(`more than ${archive.limits.maxTotalBytes} bytes`);
}

function beyond(what: string): SandboxError {
  return new SandboxError(
    "blocked",
    `The archive holds ${what}, which is the limit. Nothing further was taken from it.`,
  );
}

type BareEntry = Exclude<TarEntry, { type: "file" }> | Omit<Extract<TarEntry, { type: "file" }>, "content">;

/** Undefined for the folder that all of it is in. */
function toEntry(archive: Archive, header: TarHeader, extension: Extension): BareEntry | undefined {
  const { name, target } = toNames(header, extension);
  const { path, isFolder } = toPath(name, header.type);
  if (isFolder && (path === "" || path === ".")) return undefined;
  const reason =
    whyRefusedType(header, extension.pax, archive.limits) ??
    whyRefusedText(name, header.type === "2" ? target : undefined) ??
    archive.gate.refuse(path, isFolder);
  if (reason) return { type: "refused", path, reason };
  if (isFolder) return { type: "directory", path };
  return header.type === "2" ? { type: "link", path, target: target.toString("utf8") } : toFile(path, header);
}

function toNames(
  { name, linkName }: TarHeader,
  { pax, longName, longLink }: Extension,
): { name: Buffer; target: Buffer } {
  return { name: pax.get("path") ?? longName ?? name, target: pax.get("linkpath") ?? longLink ?? linkName };
}

function toFile(path: string, { sizeBytes, mode }: TarHeader): BareEntry {
  return { type: "file", path, sizeBytes, executable: (mode & 0o100) !== 0 };
}

const REFUSED_TYPES: Readonly<Record<string, string>> = {
  "1": "it is a hard link",
  "3": "it is a device",
  "4": "it is a device",
  "6": "it is a pipe",
};

function whyRefusedType(header: TarHeader, pax: PaxRecords, limits: TarLimits): string | undefined {
  if (!"0257".includes(header.type)) return REFUSED_TYPES[header.type] ?? "it is of a kind that is not known";
  for (const keyword of pax.keys()) if (keyword.startsWith("GNU.sparse.")) return "it is a sparse file";
  if (header.sizeBytes <= limits.maxFileBytes) return undefined;
  return `it is larger than the limit of ${limits.maxFileBytes} bytes for one file`;
}

/** Archives of a folder call its files "./a"; the oldest form marks a folder by a slash alone. */
function toPath(name: Buffer, type: string): { path: string; isFolder: boolean } {
  const text = name.toString("utf8");
  const isFolder = type === "5" || (type === "0" && text.endsWith("/"));
  const path = text.replace(/^(?:\.\/+)+/, "");
  // "/" stays what it is: refused.
  return { path: isFolder ? path.replace(/(?<=.)\/+$/, "") : path, isFolder };
}

function whyRefusedText(name: Buffer, target: Buffer | undefined): string | undefined {
  if (!isUtf8(name)) return "its name is not valid UTF-8";
  if (!target) return undefined;
  if (target.length === 0 || target.length > MAX_LINK_BYTES) return "it is a link whose target is empty or too long";
  return isUtf8(target) ? undefined : "it is a link whose target is not valid UTF-8";
}

function cutAtNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}
