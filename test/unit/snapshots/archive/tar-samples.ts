import { readTar, type TarEntry, type TarLimits } from "../../../../src/snapshots/archive/tar-reader.ts";
import { encodeHeader, toPaddingBytes } from "../../../../src/snapshots/archive/tar-format.ts";

/** Limits that no honest archive of these tests reaches. */
export const roomy: TarLimits = { maxEntries: 100_000, maxTotalBytes: 1024 ** 3, maxFileBytes: 1024 ** 3 };

/** An entry with its content read. */
export type ReadEntry = { readonly type: TarEntry["type"]; readonly path: string } & Readonly<Record<string, unknown>>;

/** Everything an archive holds, contents as Buffers. */
export async function readAll(
  tar: AsyncIterable<Uint8Array>,
  limits: TarLimits = roomy,
  platform: NodeJS.Platform = "linux",
): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = [];
  for await (const entry of readTar(tar, limits, platform))
    entries.push(entry.type === "file" ? { ...entry, content: await toBuffer(entry.content) } : { ...entry });
  return entries;
}

/** The content of a file that was read. */
export function contentOf(entry: ReadEntry | undefined): Buffer {
  const content = entry?.["content"];
  return Buffer.isBuffer(content) ? content : Buffer.from("no content");
}

/** All of a stream. */
export async function toBuffer(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** A stream of those bytes in pieces of a size. */
export async function* inPieces(bytes: Uint8Array, size = 64 * 1024): AsyncIterable<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

/** One entry made by hand; nothing is checked, `patch` may spoil the header before its checksum is made anew. */
export function rawEntry(fields: {
  readonly name: string | Uint8Array;
  readonly type?: string;
  readonly link?: string;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  readonly patch?: (header: Buffer) => void;
}): Buffer {
  const content = Buffer.from(fields.content ?? "");
  const header = encodeHeader({
    type: fields.type ?? "0",
    name: Buffer.from(fields.name),
    linkName: Buffer.from(fields.link ?? ""),
    mode: fields.mode ?? 0o644,
    sizeBytes: content.length,
    mtimeSeconds: 0,
  });
  fields.patch?.(header);
  fixChecksum(header);
  return Buffer.concat([header, content, Buffer.alloc(toPaddingBytes(content.length))]);
}

/** An archive of such entries, with its end. */
export function rawTar(...entries: readonly Buffer[]): AsyncIterable<Uint8Array> {
  return inPieces(Buffer.concat([...entries, Buffer.alloc(1024)]));
}

function fixChecksum(header: Buffer): void {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
