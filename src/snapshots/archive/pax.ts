import { corrupt } from "./tar-format.ts";

/** Keyword -> value, raw: names need not be UTF-8. */
export type PaxRecords = ReadonlyMap<string, Buffer>;

/**
 * The records of an extended header, "length keyword=value\n" each (POSIX.1-2017, pax, "pax Extended Header":
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03).
 * @throws {SandboxError} `invalid` when they are not that, or a value that names something has a NUL in it
 */
export function decodePax(bytes: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  let offset = 0;
  while (offset < bytes.length) {
    const length = readLength(bytes, offset);
    const record = bytes.subarray(offset, offset + length);
    const space = record.indexOf(0x20);
    const equals = record.indexOf(0x3d);
    if (record.length !== length || record.at(-1) !== 0x0a || equals <= space)
      throw corrupt("an extended header is malformed");
    const keyword = record.toString("latin1", space + 1, equals);
    const value = record.subarray(equals + 1, -1);
    if (value.includes(0) && ["path", "linkpath", "size"].includes(keyword))
      throw corrupt("an extended header has a NUL in it");
    records.set(keyword, value);
    offset += length;
  }
  return records;
}

/** One record. Its length counts its own digits. */
export function encodePaxRecord(keyword: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** @throws {SandboxError} `invalid` when it is no size */
export function toPaxSize(value: Buffer): number {
  const text = value.toString("latin1");
  const size = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(size)) throw corrupt("an extended header has a bad size");
  return size;
}

function readLength(bytes: Buffer, offset: number): number {
  const digits = /^([1-9][0-9]{0,8}) /.exec(bytes.toString("latin1", offset, offset + 10))?.[1];
  if (digits === undefined) throw corrupt("an extended header is malformed");
  return Number(digits);
}
