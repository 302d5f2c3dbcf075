import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSharedSnapshot, type SharedSnapshot } from "../../../../src/sessions/batch/shared-snapshot.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { createObjectStore, type ObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { type Manifest, toManifest } from "../../../../src/snapshots/manifest.ts";

let folder: string;
let reads: string[];
let tree: Manifest;
let snapshot: SharedSnapshot;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandpiper-shared-"));
  const store = createObjectStore(join(folder, "store"));
  const batch = store.openBatch();
  const entries = ["a", "b", "c"].map((name) => {
    const content = Buffer.from(`content of ${name}`);
    const sha256 = toSha256(content);
    batch.add(sha256, content);
    return [name, { type: "file", sha256, sizeBytes: content.length, executable: false }] as const;
  });
  await batch.finish();
  tree = toManifest(entries);
  reads = [];
  const counting: ObjectStore = {
    ...store,
    read: (sha256) => {
      reads.push(sha256);
      return store.read(sha256);
    },
  };
  const facts = { id: "s", tree, treeHash: "h", totalBytes: 36, leftOut: [] };
  snapshot = createSharedSnapshot({ facts, store: counting, packFile: join(folder, "pack.tar") });
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function readAll(paths: readonly string[]): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of snapshot.pack(paths)) pieces.push(piece);
  return Buffer.concat(pieces);
}

it("reads each content once, however many sandboxes get all of it", async () => {
  const tars = await Promise.all(Array.from({ length: 20 }, () => readAll([...tree.keys()])));

  expect(reads).toHaveLength(3);
  expect(tars.every((tar) => tar.equals(tars[0] ?? Buffer.of()))).toBe(true);
  expect(tars[0]?.includes("content of b")).toBe(true);
});

it("packs what a sandbox lacks when it has the rest already", async () => {
  const tar = await readAll(["b"]);

  expect(reads).toHaveLength(1);
  expect(tar.includes("content of b")).toBe(true);
  expect(tar.includes("content of a")).toBe(false);
});

it("packs nothing before it is asked to, and leaves nothing behind", async () => {
  expect(existsSync(join(folder, "pack.tar"))).toBe(false);
  await readAll([...tree.keys()]);
  expect(existsSync(join(folder, "pack.tar"))).toBe(true);

  await snapshot.dispose();

  expect(existsSync(join(folder, "pack.tar"))).toBe(false);
});

it("tries anew when packing failed, and says why it did", async () => {
  await rm(join(folder, "store"), { recursive: true });

  await expect(readAll([...tree.keys()])).rejects.toThrow(/^a: /);
  await expect(readAll([...tree.keys()])).rejects.toThrow(/^a: /);
  expect(existsSync(join(folder, "pack.tar.tmp"))).toBe(false);
});

it("reads a file's text once", async () => {
  expect(await Promise.all([snapshot.readText("a"), snapshot.readText("a"), snapshot.readText("none")])).toEqual([
    "content of a",
    "content of a",
    "",
  ]);
  expect(reads).toHaveLength(1);
});
