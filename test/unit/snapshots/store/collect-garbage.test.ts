import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collectGarbage, type LiveSet } from "../../../../src/snapshots/store/collect-garbage.ts";
import { type Entry, type Manifest, toManifest } from "../../../../src/snapshots/manifest.ts";
import { createObjectStore, type ObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { readSizes, type StoreFolders } from "../../../../src/snapshots/store/store-files.ts";
import { createTreeStore, type TreeStore } from "../../../../src/snapshots/store/tree-store.ts";
import { toBuffer } from "../archive/tar-samples.ts";
import { listFolder, makeFolder } from "../temp-folder.ts";

const HOUR = 3_600_000;
const NOTHING: LiveSet = { treeHashes: [], objects: [] };
const inTwoHours = { now: () => Date.now() + 2 * HOUR };

interface World {
  readonly folders: StoreFolders;
  readonly store: ObjectStore;
  readonly trees: TreeStore;
}

function makeWorld(): World {
  const folders = { store: join(makeFolder(), "store"), trees: join(makeFolder(), "trees") };
  return { folders, store: createObjectStore(folders.store), trees: createTreeStore(folders.trees) };
}

/** As many files of about 500 bytes that nothing makes smaller. */
function makeFiles(count: number): Map<string, Buffer> {
  return new Map(Array.from({ length: count }, (_, index) => [`f${index}`, randomBytes(500)]));
}

/** Keeps files in one batch, and a tree of them. */
async function keep({ store, trees }: World, files: ReadonlyMap<string, Buffer>): Promise<string> {
  const batch = store.openBatch();
  for (const content of files.values()) batch.add(toSha256(content), content);
  await batch.finish();
  return await trees.save(toTree(files));
}

function toTree(files: ReadonlyMap<string, Buffer>): Manifest {
  return toManifest(
    Array.from(files, ([path, content]): [string, Entry] => {
      return [path, { type: "file", sha256: toSha256(content), sizeBytes: content.length, executable: false }];
    }),
  );
}

/** Whether all of a tree can be read, by whoever has been there all the time and whoever comes anew. */
async function isWhole({ folders, store, trees }: World, treeHash: string): Promise<boolean> {
  for (const entry of (await trees.read(treeHash)).values())
    for (const each of [store, createObjectStore(folders.store)])
      if (entry.type === "file" && toSha256(await toBuffer(each.read(entry.sha256))) !== entry.sha256) return false;
  return true;
}

function listPacks({ folders }: World): readonly string[] {
  return readdirSync(join(folders.store, "packs"));
}

describe("collectGarbage", () => {
  it("removes what nobody names, and nothing else", async () => {
    const world = makeWorld();
    const named = await keep(world, makeFiles(40));
    const large = await world.store.put([randomBytes(2_000_000)]);
    const loose = await world.store.put([Buffer.from("by itself")]);
    const before = await readSizes(world.folders);
    const forgotten = await keep(world, makeFiles(50));
    const forgottenLarge = await world.store.put([randomBytes(3_000_000)]);

    const live = { treeHashes: [named], objects: [large.sha256, loose.sha256] };
    const freed = await collectGarbage(world.folders, live, inTwoHours);

    expect(await isWhole(world, named)).toBe(true);
    expect(await world.store.has(large.sha256)).toBe(true);
    expect(String(await toBuffer(world.store.read(loose.sha256)))).toBe("by itself");
    expect(await world.trees.list()).toEqual([named]);
    expect(await world.store.has(forgottenLarge.sha256)).toBe(false);
    await expect(world.trees.read(forgotten)).rejects.toMatchObject({ code: "not-found" });
    expect(await readSizes(world.folders)).toEqual(before);
    expect(freed).toBeGreaterThan(3_000_000 + 50 * 500);
  });

  it("leaves nothing when nothing is named", async () => {
    const world = makeWorld();
    await keep(world, makeFiles(40));
    await world.store.put([randomBytes(2_000_000)]);

    await collectGarbage(world.folders, NOTHING, inTwoHours);

    expect(listFolder(world.folders.store).filter((path) => !path.endsWith("/"))).toEqual([]);
    expect(await readSizes(world.folders)).toEqual({ objectBytes: 0, treeBytes: 0 });
  });

  it("has nothing to do in a store that is not there", async () => {
    const world = makeWorld();

    expect(await collectGarbage(world.folders, NOTHING, inTwoHours)).toBe(0);

    expect(existsSync(world.folders.store)).toBe(false);
  });

  it("leaves alone what is younger than an hour, and all that a young tree names", async () => {
    const world = makeWorld();
    const files = makeFiles(40);
    const treeHash = await keep(world, files);
    const [pack = ""] = listPacks(world);
    utimesSync(join(world.folders.store, "packs", pack), 1000, 1000);
    const unnamed = await keep(world, makeFiles(30));
    await world.trees.remove(unnamed);

    await collectGarbage(world.folders, NOTHING);

    expect(await isWhole(world, treeHash)).toBe(true);
    expect(listPacks(world)).toHaveLength(2);
  });

  it("writes a pack anew of which little is alive, and only such a one", async () => {
    const world = makeWorld();
    const files = [...makeFiles(100)];
    await keep(world, new Map(files));
    const some = await world.trees.save(toTree(new Map(files.slice(0, 20))));
    const most = await keep(world, makeFiles(100));
    const before = listPacks(world);

    await collectGarbage(world.folders, { treeHashes: [some, most], objects: [] }, inTwoHours);

    expect(await isWhole(world, some)).toBe(true);
    expect(await isWhole(world, most)).toBe(true);
    expect(before.filter((name) => listPacks(world).includes(name))).toHaveLength(1);
    expect((await readSizes(world.folders)).objectBytes).toBeLessThan(125 * 560);
    expect(await world.store.has(toSha256(files[30]?.[1] ?? ""))).toBe(false);
  });

  it("puts many small packs into one", async () => {
    const world = makeWorld();
    const hashes: string[] = [];
    for (let count = 0; count < 20; count++) hashes.push(await keep(world, makeFiles(10)));

    await collectGarbage(world.folders, { treeHashes: hashes, objects: [] }, inTwoHours);

    expect(listPacks(world)).toHaveLength(1);
    for (const treeHash of hashes) expect(await isWhole(world, treeHash)).toBe(true);
  });

  it("keeps one of two packs that have the same", async () => {
    const world = makeWorld();
    const files = makeFiles(30);
    const other = { ...world, store: createObjectStore(world.folders.store) };
    const first = world.store.openBatch();
    const second = other.store.openBatch();
    for (const batch of [first, second]) for (const content of files.values()) batch.add(toSha256(content), content);
    await first.finish();
    await second.finish();
    const treeHash = await world.trees.save(toTree(files));
    expect(listPacks(world)).toHaveLength(2);

    await collectGarbage(world.folders, { treeHashes: [treeHash], objects: [] }, inTwoHours);

    expect(listPacks(world)).toHaveLength(1);
    expect(await isWhole(world, treeHash)).toBe(true);
  });

  it("keeps what a batch relied on while it went on", async () => {
    const world = makeWorld();
    const files = makeFiles(40);
    const treeHash = await keep(world, files);
    await world.trees.remove(treeHash);
    const [pack = ""] = listPacks(world);
    utimesSync(join(world.folders.store, "packs", pack), 1000, 1000);
    const other = createObjectStore(world.folders.store);

    const batch = other.openBatch();
    for (const content of files.values()) batch.add(toSha256(content), content);
    await collectGarbage(world.folders, NOTHING);
    await batch.finish();

    expect(await isWhole(world, await world.trees.save(toTree(files)))).toBe(true);
    expect(listPacks(world)).toEqual([pack]);
  });

  it("sweeps what killed writers left, after an hour", async () => {
    const world = makeWorld();
    const treeHash = await keep(world, makeFiles(10));
    for (const folder of [world.folders.store, world.folders.trees]) writeFileSync(join(folder, "0123.tmp"), "left");

    await collectGarbage(world.folders, { treeHashes: [treeHash], objects: [] });
    expect(existsSync(join(world.folders.store, "0123.tmp"))).toBe(true);
    await collectGarbage(world.folders, { treeHashes: [treeHash], objects: [] }, inTwoHours);

    expect(existsSync(join(world.folders.store, "0123.tmp"))).toBe(false);
    expect(readdirSync(world.folders.trees)).toEqual([treeHash]);
  });

  it("removes no content when it cannot tell what a tree names", async () => {
    const world = makeWorld();
    const treeHash = await keep(world, makeFiles(40));
    const file = join(world.folders.trees, treeHash);
    const bytes = readFileSync(file);
    bytes[3] = 2;
    writeFileSync(file, bytes);
    const before = listPacks(world);

    const collecting = collectGarbage(world.folders, { treeHashes: [treeHash], objects: [] }, inTwoHours);

    await expect(collecting).rejects.toMatchObject({ name: "SandboxError", code: "unsupported" });
    expect(listPacks(world)).toEqual(before);
  });

  it("goes on without a tree that is damaged, and removes packs that are", async () => {
    const world = makeWorld();
    const whole = await keep(world, makeFiles(40));
    const damaged = await keep(world, makeFiles(30));
    writeFileSync(join(world.folders.trees, damaged), "bad");
    writeFileSync(join(world.folders.store, "packs", "0-bad.pack"), "bad");

    await collectGarbage(world.folders, { treeHashes: [whole, damaged], objects: [] }, inTwoHours);

    expect(await isWhole(world, whole)).toBe(true);
    expect(listPacks(world)).toHaveLength(1);
  });

  it("ends when it is told to", async () => {
    const world = makeWorld();
    await keep(world, makeFiles(40));

    const collecting = collectGarbage(world.folders, NOTHING, { graceMs: -1, signal: AbortSignal.abort() });

    await expect(collecting).rejects.toMatchObject({ name: "AbortError" });
    expect(lstatSync(world.folders.store).isDirectory()).toBe(true);
    rmSync(world.folders.store, { recursive: true });
  });
});
