import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toObjectFile } from "../../../../src/snapshots/store/object-file.ts";
import { createObjectStore, type ObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { inPieces, toBuffer } from "../archive/tar-samples.ts";
import { listFolder, makeFolder } from "../temp-folder.ts";

const MIB = 1024 ** 2;

/** Contents that differ, of about 200 bytes each. */
function makeContents(count: number, salt = ""): Buffer[] {
  return Array.from({ length: count }, (_, index) => Buffer.from(`content ${salt} ${index} `.repeat(12)));
}

async function keepAll(store: ObjectStore, contents: readonly Buffer[]): Promise<void> {
  const batch = store.openBatch();
  for (const content of contents) batch.add(toSha256(content), content);
  await batch.finish();
}

async function expectKept(store: ObjectStore, contents: readonly Buffer[]): Promise<void> {
  for (const content of contents) expect(content.equals(await toBuffer(store.read(toSha256(content))))).toBe(true);
}

function listPacks(folder: string): string[] {
  return readdirSync(join(folder, "packs")).map((name) => join(folder, "packs", name));
}

function packOf(folder: string): string {
  const [file, ...others] = listPacks(folder);
  expect(others).toEqual([]);
  return file ?? "";
}

function spoil(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
}

describe("the object store", () => {
  it.each([
    { name: "empty", content: Buffer.alloc(0) },
    { name: "binary", content: Buffer.from([0, 255, 13, 10, 0, 26]) },
    { name: "1 MiB of", content: Buffer.alloc(MIB, "CRLF\r\n") },
    { name: "a byte more than 1 MiB of", content: Buffer.alloc(MIB + 1, "CRLF\r\n") },
    { name: "large", content: Buffer.alloc(5_000_000, "CRLF\r\n") },
    { name: "large incompressible", content: randomBytes(3_000_000) },
  ])("gives back $name content to the byte (security 15)", async ({ content }) => {
    const store = createObjectStore(join(makeFolder(), "not", "there", "yet"));

    const { sha256, sizeBytes } = await store.put(inPieces(content));

    expect({ sha256, sizeBytes }).toEqual({ sha256: toSha256(content), sizeBytes: content.length });
    expect(content.equals(await toBuffer(store.read(sha256)))).toBe(true);
    expect(await store.has(sha256)).toBe(true);
  });

  it("compresses what gains from it, and nothing else", async () => {
    const folder = makeFolder();
    const store = createObjectStore(folder);

    const text = await store.put([Buffer.alloc(2 * MIB, "much the same ")]);
    const noise = await store.put([randomBytes(2 * MIB)]);

    expect(statSync(toObjectFile(folder, text.sha256)).size).toBeLessThan(0.01 * MIB);
    expect(statSync(toObjectFile(folder, noise.sha256)).size).toBe(2 * MIB + 4 + 2 * 8);
  });

  it.each([10, 300_000, 3_000_000])(
    "keeps one object of %i bytes, put many times at once, and leaves nothing beside it",
    async (sizeBytes) => {
      const folder = makeFolder();
      const content = Buffer.alloc(sizeBytes, "same");

      const puts = await Promise.all(
        Array.from({ length: 20 }, () => createObjectStore(folder).put(inPieces(content, 1000))),
      );

      const { sha256 } = puts[0] ?? { sha256: "" };
      expect(new Set(puts.map((put) => put.sha256)).size).toBe(1);
      expect(listFolder(folder)).toEqual([`${sha256.slice(0, 2)}/`, `${sha256.slice(0, 2)}/${sha256.slice(2)}`]);
    },
  );

  it.each([
    { what: "other bytes", spoilFile: (file: string) => writeFileSync(file, "wrong") },
    { what: "one wrong byte", spoilFile: (file: string) => spoil(file, 14) },
    { what: "half of it", spoilFile: (file: string) => truncateSync(file, 15) },
    { what: "nothing", spoilFile: (file: string) => writeFileSync(file, "") },
  ])("fails the reading of an object whose file has $what, and takes the content again", async ({ spoilFile }) => {
    const folder = makeFolder();
    const store = createObjectStore(folder);
    const { sha256 } = await store.put([Buffer.from("right right right right")]);
    spoilFile(toObjectFile(folder, sha256));

    await expect(toBuffer(store.read(sha256))).rejects.toMatchObject({ name: "SandboxError", code: "unavailable" });
    expect(await store.has(sha256)).toBe(false);
    await store.put([Buffer.from("right right right right")]);

    expect(String(await toBuffer(store.read(sha256)))).toBe("right right right right");
  });

  it("says not-found for what it does not have, and refuses names that are none", async () => {
    const store = createObjectStore(makeFolder());

    await expect(toBuffer(store.read("0".repeat(64)))).rejects.toMatchObject({ code: "not-found" });
    expect(await store.has("0".repeat(64))).toBe(false);
    await expect(store.has("../../etc/passwd")).rejects.toMatchObject({ code: "invalid" });
    await expect(toBuffer(store.read("../../etc/passwd"))).rejects.toMatchObject({ code: "invalid" });
  });

  it.each([4, 500_000, 4_000_000])(
    "leaves nothing behind when the content ends with an error after %i bytes",
    async (sizeBytes) => {
      const folder = makeFolder();

      await expect(createObjectStore(folder).put(failing(sizeBytes))).rejects.toThrow("the source failed");

      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it("refuses what a newer version wrote, and says so", async () => {
    const folder = makeFolder();
    const store = createObjectStore(folder);
    const { sha256 } = await store.put([Buffer.from("x")]);
    const file = toObjectFile(folder, sha256);
    const bytes = readFileSync(file);
    bytes[3] = 2;
    writeFileSync(file, bytes);

    await expect(toBuffer(store.read(sha256))).rejects.toMatchObject({ code: "unsupported" });
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  it("says what to do when it cannot write", async () => {
    const folder = makeFolder({ blocked: "a file in the place of the folder" });

    await expect(createObjectStore(join(folder, "blocked")).put([Buffer.from("x")])).rejects.toMatchObject({
      name: "SandboxError",
      code: "unavailable",
    });
    rmSync(join(folder, "blocked"));
  });
});

describe("a batch of objects", () => {
  it("is one file, and another store finds what is in it", async () => {
    const folder = makeFolder();
    const contents = [...makeContents(5000), Buffer.alloc(0), Buffer.alloc(MIB, "full"), randomBytes(MIB)];
    const reader = createObjectStore(folder);
    expect(await reader.has(toSha256("not there"))).toBe(false);

    await keepAll(createObjectStore(folder), contents);

    expect(listFolder(folder)).toEqual(["packs/", packOf(folder).slice(folder.length + 1)]);
    expect(statSync(packOf(folder)).size).toBeLessThan(1.7 * MIB);
    await expectKept(reader, contents);
  });

  it("can be read from while another is written, and drops what is there already", async () => {
    const folder = makeFolder();
    const store = createObjectStore(folder);
    await keepAll(store, makeContents(100));

    await keepAll(store, makeContents(100));
    await keepAll(createObjectStore(folder), makeContents(100));
    await keepAll(store, makeContents(150));

    expect(listPacks(folder)).toHaveLength(2);
    await expectKept(store, makeContents(150));
  });

  it("writes large contents to files of their own, in pieces or whole, once", async () => {
    const folder = makeFolder();
    const store = createObjectStore(folder);
    const large = Buffer.alloc(3 * MIB + 5, "large ");
    const batch = store.openBatch();
    for (let count = 0; count < 3; count++) {
      batch.add(toSha256(large), large);
      const stream = batch.openStream();
      for (let offset = 0; offset < large.length; offset += 700_000)
        stream.write(large.subarray(offset, offset + 700_000));
      stream.finish(toSha256(large));
      await batch.room();
    }
    const given = batch.openStream();
    given.write(randomBytes(3 * MIB));
    given.discard();

    await batch.finish();

    const name = `${toSha256(large).slice(0, 2)}/${toSha256(large).slice(2)}`;
    expect(listFolder(folder)).toEqual([name.slice(0, 3), name]);
    await expectKept(store, [large]);
  });

  it("leaves nothing behind when it is given up", async () => {
    const folder = makeFolder();
    const batch = createObjectStore(folder).openBatch();
    for (const content of [...makeContents(20), randomBytes(MIB), randomBytes(MIB)])
      batch.add(toSha256(content), content);
    batch.openStream().write(randomBytes(2 * MIB));

    await batch.discard();
    await batch.discard();

    expect(readdirSync(folder)).toEqual([]);
    await expect(batch.finish()).rejects.toMatchObject({ code: "unavailable" });
  });

  it("tells at its end that the disk did not take it, and never before", async () => {
    const folder = makeFolder({ packs: "a file in the place of the folder" });
    const batch = createObjectStore(folder).openBatch();
    for (const content of makeContents(20)) batch.add(toSha256(content), content);
    await batch.room();

    await expect(batch.finish()).rejects.toMatchObject({ name: "SandboxError", code: "unavailable" });
    expect(readdirSync(folder)).toEqual(["packs"]);
  });

  it.each([
    { what: "compressed", contents: makeContents(6000, "first") },
    { what: "incompressible", contents: Array.from({ length: 600 }, () => randomBytes(1000)) },
  ])("loses nothing but the damaged part of a pack that is $what, and takes that again", async ({ contents }) => {
    const folder = makeFolder();
    const store = createObjectStore(folder);
    const rest = [randomBytes(MIB)];
    await keepAll(store, [...contents, ...rest]);
    spoil(packOf(folder), 100);
    const [damaged = Buffer.alloc(0)] = contents;

    await expect(toBuffer(store.read(toSha256(damaged)))).rejects.toMatchObject({ code: "unavailable" });
    expect(await store.has(toSha256(damaged))).toBe(false);
    expect(await createObjectStore(folder).has(toSha256(damaged))).toBe(false);
    await expectKept(store, rest);
    await keepAll(store, contents);

    await expectKept(store, [...contents, ...rest]);
  });

  it.each([
    { what: "index", spoilFile: (file: string) => spoil(file, statSync(file).size - 100) },
    { what: "end", spoilFile: (file: string) => truncateSync(file, statSync(file).size - 5) },
    { what: "start", spoilFile: (file: string) => spoil(file, 0) },
  ])("does not have what is in a pack whose $what is damaged", async ({ spoilFile }) => {
    const folder = makeFolder();
    await keepAll(createObjectStore(folder), makeContents(50));
    spoilFile(packOf(folder));
    const store = createObjectStore(folder);

    expect(await store.has(toSha256(makeContents(1)[0] ?? ""))).toBe(false);
    await keepAll(store, makeContents(50));

    await expectKept(store, makeContents(50));
  });

  it("leaves a pack of a newer version alone, and says so when something is missing", async () => {
    const folder = makeFolder();
    await keepAll(createObjectStore(folder), makeContents(50));
    const file = packOf(folder);
    const bytes = readFileSync(file);
    bytes[3] = 2;
    writeFileSync(file, bytes);

    await expect(toBuffer(createObjectStore(folder).read(toSha256("x")))).rejects.toMatchObject({
      code: "unsupported",
    });
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  it("vouches for a pack that it relies on, and does not rely on one that is gone", async () => {
    const folder = makeFolder();
    const store = createObjectStore(folder);
    await keepAll(store, makeContents(50));
    const longAgo = Date.now() / 1000 - 7200;
    utimesSync(packOf(folder), longAgo, longAgo);
    const other = createObjectStore(folder);

    expect(await other.has(toSha256(makeContents(1)[0] ?? ""))).toBe(true);
    expect(statSync(packOf(folder)).mtimeMs / 1000).toBeGreaterThan(longAgo + 7000);

    const batch = store.openBatch();
    rmSync(packOf(folder));
    expect(await store.has(toSha256(makeContents(1)[0] ?? ""))).toBe(false);
    for (const content of makeContents(50)) batch.add(toSha256(content), content);
    await batch.finish();
    await expectKept(other, makeContents(50));
  });
});

async function* failing(sizeBytes: number): AsyncIterable<Uint8Array> {
  for (let left = sizeBytes; left > 0; left -= 100_000) yield Buffer.alloc(Math.min(left, 100_000));
  throw new TypeError("the source failed");
}
