const BLOCK_BYTES = 512;

/** A folder, or with `content` a file, to put into a container. Mode in octal digits. */
export interface TarMember {
  readonly path: string;
  readonly mode: string;
  readonly ownerId: number;
  readonly content?: Buffer;
}

/**
 * A ustar archive for what a container needs before it starts. Paths are ASCII, relative, below 100 characters.
 * Source: POSIX.1-2017, pax, "ustar Interchange Format".
 */
export function toSetupTar(members: readonly TarMember[]): Buffer {
  return Buffer.concat([...members.flatMap(toBlocks), Buffer.alloc(2 * BLOCK_BYTES)]);
}

function toBlocks({ path, mode, ownerId, content }: TarMember): Buffer[] {
  const header = Buffer.alloc(BLOCK_BYTES);
  const owner = toField(ownerId.toString(8), 7);
  const size = toField((content?.length ?? 0).toString(8), 11);
  header.write(content ? path : `${path}/`, 0);
  header.write(toField(mode, 7) + owner + owner + size + toField("0", 11), 100);
  header.write(`        ${content ? "0" : "5"}`, 148);
  header.write("ustar\u000000", 257);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${toField(checksum.toString(8), 6)} `, 148);
  const padding = Buffer.alloc(-(content?.length ?? 0) & (BLOCK_BYTES - 1));
  return [header, content ?? Buffer.alloc(0), padding];
}

function toField(octal: string, digits: number): string {
  return `${octal.padStart(digits, "0")}\0`;
}

/** The content of the one file that `tar` holds, as Docker's archive API answers; undefined when it is no file. */
export function readOnlyFile(tar: Buffer): Buffer | undefined {
  const type = tar.toString("latin1", 156, 157);
  const size = Number.parseInt(tar.toString("latin1", 124, 135), 8);
  if ((type !== "0" && type !== "\0") || Number.isNaN(size)) return undefined;
  return tar.subarray(BLOCK_BYTES, BLOCK_BYTES + size);
}
