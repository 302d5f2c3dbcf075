const BLOCK_BYTES = 512;

/** A folder to make in a container. Mode in octal digits. */
export interface TarFolder {
  readonly path: string;
  readonly mode: string;
  readonly ownerId: number;
}

/**
 * A ustar archive of folders alone, for giving a container folders that its user owns. Paths are ASCII, relative, below
 * 100 characters. Source: POSIX.1-2017, pax, "ustar Interchange Format".
 */
export function toFolderTar(folders: readonly TarFolder[]): Buffer {
  return Buffer.concat([...folders.map(toHeader), Buffer.alloc(2 * BLOCK_BYTES)]);
}

function toHeader({ path, mode, ownerId }: TarFolder): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const owner = toField(ownerId.toString(8), 7);
  header.write(`${path}/`, 0);
  header.write(toField(mode, 7) + owner + owner + toField("0", 11) + toField("0", 11), 100);
  header.write("        5", 148);
  header.write("ustar\u000000", 257);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${toField(checksum.toString(8), 6)} `, 148);
  return header;
}

function toField(octal: string, digits: number): string {
  return `${octal.padStart(digits, "0")}\0`;
}
