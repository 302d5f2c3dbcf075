import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Entry, type Manifest, toManifest } from "../../../../src/snapshots/manifest.ts";
import { createObjectStore, type ObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { readArchive } from "../../../../src/snapshots/archive/read-archive.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { writeArchive } from "../../../../src/snapshots/archive/write-archive.ts";
import { rawEntry, roomy, toBuffer } from "./tar-samples.ts";
import { listFolder, makeFolder } from "../temp-folder.ts";

const large = randomBytes(3_000_000);
const contents: Readonly<Record<string, Buffer>> = {
  "a/ü\n.txt": Buffer.from("CRLF\r\n"),
  "a/run": Buffer.from("#!/bin/sh\n"),
  empty: Buffer.alloc(0),
  large,
};

async function makeSnapshot(): Promise<{ store: ObjectStore; manifest: Manifest }> {
  const store = createObjectStore(makeFolder());
  const entries: [string, Entry][] = [
    ["hollow", { type: "directory" }],
    ["out", { type: "link", target: "../../elsewhere" }],
  ];
  for (const [path, content] of Object.entries(contents))
    entries.push([path, { type: "file", ...(await store.put([content])), executable: path === "a/run" }]);
  return { store, manifest: toManifest(entries) };
}

const note = { name: "before the refactoring", createdAt: "2026-11-24T10:00:00.000Z", tags: ["a"] };

async function exportTo(file: string): Promise<Manifest> {
  const { store, manifest } = await makeSnapshot();
  await writeArchive({ manifest, store, note }, file);
  return manifest;
}

/** Changes what is inside a file that was exported. */
function edit(file: string, change: (tar: Buffer) => Buffer): void {
  writeFileSync(file, zstdCompressSync(change(zstdDecompressSync(readFileSync(file)))));
}

describe("an exported snapshot", () => {
  it("comes back as it was, with its note, in a store that had nothing of it", async () => {
    const file = join(makeFolder(), "export.tar.zst");
    const manifest = await exportTo(file);
    const store = createObjectStore(makeFolder());

    const read = await readArchive(file, store, roomy);

    expect(read.note).toEqual(note);
    expect([...read.manifest]).toEqual([...manifest]);
    for (const content of Object.values(contents))
      expect(content.equals(await toBuffer(store.read(toSha256(content))))).toBe(true);
    expect(readdirSync(join(file, ".."))).toEqual(["export.tar.zst"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("can be opened by tar", async () => {
    const folder = makeFolder();
    await exportTo(join(folder, "export.tar.zst"));
    const tar = zstdDecompressSync(readFileSync(join(folder, "export.tar.zst")));
    mkdirSync(join(folder, "out"));

    execFileSync("tar", ["-xf", "-", "-C", join(folder, "out")], { input: tar });

    expect(listFolder(join(folder, "out")).filter((path) => !path.endsWith("/"))).toHaveLength(6);
    for (const [path, content] of Object.entries(contents))
      expect(readFileSync(join(folder, "out", "files", path)).equals(content)).toBe(true);
    expect(readlinkSync(join(folder, "out/files/out"))).toBe("../../elsewhere");
    expect(JSON.parse(readFileSync(join(folder, "out/sandpiper-snapshot.json"), "utf8"))).toMatchObject({
      version: 1,
      note,
    });
  });

  it("never replaces a file", async () => {
    const folder = makeFolder({ "export.tar.zst": "mine" });

    await expect(exportTo(join(folder, "export.tar.zst"))).rejects.toMatchObject({ code: "conflict" });

    expect(readFileSync(join(folder, "export.tar.zst"), "utf8")).toBe("mine");
    expect(readdirSync(folder)).toEqual(["export.tar.zst"]);
  });

  it("is not there when a content is missing, and the error names the file", async () => {
    const folder = makeFolder();
    const { manifest } = await makeSnapshot();
    const store = createObjectStore(makeFolder());

    const writing = writeArchive({ manifest, store, note }, join(folder, "x"));

    await expect(writing).rejects.toMatchObject({ name: "SandboxError", code: "not-found" });
    await expect(writing).rejects.toThrow(/^a\/run: /);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("says so when it cannot be written", async () => {
    await expect(exportTo(join(makeFolder(), "no", "such", "folder"))).rejects.toMatchObject({ code: "unavailable" });
  });

  it("is refused at writing when a path would be too deep in it", async () => {
    const { store } = await makeSnapshot();
    const manifest = toManifest([[Array.from({ length: 256 }, () => "d").join("/"), { type: "directory" }]]);

    const writing = writeArchive({ manifest, store, note }, join(makeFolder(), "x"));

    await expect(writing).rejects.toMatchObject({ code: "invalid" });
  });
});

describe("readArchive", () => {
  it.each([
    { what: "one changed byte of a file", change: (tar: Buffer) => replace(tar, "CRLF", "crlf") },
    { what: "a path changed", change: (tar: Buffer) => tar, rename: true },
    { what: "a file left out", change: (tar: Buffer) => cutEntry(tar) },
    { what: "a link changed", change: (tar: Buffer) => replace(tar, "../../elsewhere", "../../elsewherE") },
  ])("refuses $what, and keeps nothing of it", async ({ change, rename }) => {
    const folder = makeFolder();
    const file = join(makeFolder(), "x");
    await exportTo(file);
    edit(file, rename ? (tar) => replace(tar, "files/empty", "files/emptY") : change);

    await expect(readArchive(file, createObjectStore(folder), roomy)).rejects.toMatchObject({ code: "invalid" });

    expect(listFolder(folder).some((path) => path.includes(toSha256("CRLF\r\n").slice(2)))).toBe(false);
  });

  it.each([
    { what: "cut short", spoil: (bytes: Buffer) => bytes.subarray(0, bytes.length - 1000) },
    { what: "spoilt", spoil: (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 300), randomBytes(3_000_000)]) },
    { what: "text", spoil: () => Buffer.from("hello, this is no snapshot") },
    { what: "empty", spoil: () => Buffer.alloc(0) },
    {
      what: "some other tar",
      spoil: () => zstdCompressSync(Buffer.concat([rawEntry({ name: "a" }), Buffer.alloc(1024)])),
    },
    { what: "an empty tar", spoil: () => zstdCompressSync(Buffer.alloc(1024)) },
    { what: "no head", spoil: () => toArchive("[1]") },
    { what: "a head without a version", spoil: () => toArchive("{}") },
    { what: "a head without a hash", spoil: () => toArchive('{"version":1,"treeHash":"x","note":{}}') },
    { what: "a stray file", spoil: () => toArchive(head, rawEntry({ name: "else/f" })) },
    { what: "a path that leads out", spoil: () => toArchive(head, rawEntry({ name: "files/../../f" })) },
    { what: "a device", spoil: () => toArchive(head, rawEntry({ name: "files/f", type: "3" })) },
  ])("refuses a file that is $what", async ({ spoil }) => {
    const file = join(makeFolder(), "x");
    await exportTo(file);
    writeFileSync(file, spoil(readFileSync(file)));
    const folder = makeFolder();

    await expect(readArchive(file, createObjectStore(folder), roomy)).rejects.toMatchObject({
      name: "SandboxError",
      code: "invalid",
    });
  });

  it("refuses one of a newer version with a word", async () => {
    const file = join(makeFolder(), "x");
    writeFileSync(file, toArchive('{"version":2}'));

    const reading = readArchive(file, createObjectStore(makeFolder()), roomy);

    await expect(reading).rejects.toMatchObject({ code: "unsupported" });
  });

  it("does not unpack more than it may", async () => {
    const file = join(makeFolder(), "x");
    await exportTo(file);

    const reading = readArchive(file, createObjectStore(makeFolder()), { ...roomy, maxTotalBytes: 100_000 });

    await expect(reading).rejects.toMatchObject({ code: "blocked" });
  });

  it("says that there is no such file", async () => {
    const reading = readArchive(join(makeFolder(), "x"), createObjectStore(makeFolder()), roomy);

    await expect(reading).rejects.toMatchObject({ code: "not-found" });
  });
});

const head = JSON.stringify({ version: 1, treeHash: "0".repeat(64), note: {} });

function toArchive(json: string, ...entries: readonly Buffer[]): Buffer {
  const first = rawEntry({ name: "sandpiper-snapshot.json", content: json });
  return zstdCompressSync(Buffer.concat([first, ...entries, Buffer.alloc(1024)]));
}

/** Puts another text of the same length into a tar, and mends the checksum of the header that it is in. */
function replace(tar: Buffer, from: string, to: string): Buffer {
  const at = tar.indexOf(from);
  expect(at).toBeGreaterThan(0);
  tar.write(to, at);
  const header = tar.subarray(at - (at % 512), at - (at % 512) + 512);
  if (header.toString("latin1", 257, 262) !== "ustar") return tar;
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return tar;
}

/** Leaves out the empty file. */
function cutEntry(tar: Buffer): Buffer {
  const at = tar.indexOf("files/empty");
  expect(at % 512).toBe(0);
  return Buffer.concat([tar.subarray(0, at), tar.subarray(at + 512)]);
}
