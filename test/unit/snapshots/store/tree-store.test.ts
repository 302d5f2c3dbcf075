import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Entry, type Manifest, toManifest } from "../../../../src/snapshots/manifest.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { toTreeHash } from "../../../../src/snapshots/tree-hash.ts";
import { createTreeStore } from "../../../../src/snapshots/store/tree-store.ts";
import { makeFolder } from "../temp-folder.ts";

const file = (content: string, executable = false): Entry => ({
  type: "file",
  sha256: toSha256(content),
  sizeBytes: content.length,
  executable,
});

const odd: Manifest = toManifest([
  ["a\nb", file("1")],
  ["a/ü/😀", file("2", true)],
  ["a/ü/\ue000", file("", false)],
  ["a-b", { type: "link", target: "../somewhere\n else" }],
  ["empty", { type: "directory" }],
  ["huge", { type: "file", sha256: toSha256("huge"), sizeBytes: 2 ** 40 + 1, executable: false }],
]);

describe("the tree store", () => {
  it.each([
    { name: "odd names", manifest: odd },
    { name: "nothing", manifest: toManifest([]) },
    { name: "a folder alone", manifest: toManifest([["d", { type: "directory" }]]) },
    {
      name: "20,000 files",
      manifest: toManifest(Array.from({ length: 20_000 }, (_, n) => [`f${n % 90}/${n}.ts`, file(String(n))] as const)),
    },
  ])("gives back a tree of $name in its order", async ({ manifest }) => {
    const trees = createTreeStore(join(makeFolder(), "not", "there"));

    const treeHash = await trees.save(manifest);

    expect(treeHash).toBe(toTreeHash(manifest));
    expect([...(await trees.read(treeHash))]).toEqual([...manifest]);
    expect(await trees.list()).toEqual([treeHash]);
    const named = [...manifest.values()].flatMap((entry) => (entry.type === "file" ? [entry.sha256] : []));
    expect(await trees.readObjects(treeHash)).toEqual(named);
  });

  it("writes a tree that it has no second time, and vouches for it", async () => {
    const folder = makeFolder();
    const trees = createTreeStore(folder);
    const treeHash = await trees.save(odd);
    const { ino } = statSync(join(folder, treeHash));
    utimesSync(join(folder, treeHash), 1000, 1000);

    await createTreeStore(folder).save(toManifest(odd));

    expect(readdirSync(folder)).toEqual([treeHash]);
    expect(statSync(join(folder, treeHash)).ino).toBe(ino);
    expect(statSync(join(folder, treeHash)).mtimeMs).toBeGreaterThan(1_000_000);
  });

  it.each([
    { what: "one wrong byte", spoil: (path: string) => flip(path, 60) },
    { what: "a wrong byte at its end", spoil: (path: string) => flip(path, statSync(path).size - 1) },
    { what: "half of it", spoil: (path: string) => truncateSync(path, 80) },
    { what: "nothing", spoil: (path: string) => writeFileSync(path, "") },
    { what: "something else", spoil: (path: string) => writeFileSync(path, '{"version":1,"entries":[]}') },
  ])("says that a tree is damaged that has $what, and takes it again", async ({ spoil }) => {
    const folder = makeFolder();
    const trees = createTreeStore(folder);
    const treeHash = await trees.save(odd);
    spoil(join(folder, treeHash));

    await expect(trees.read(treeHash)).rejects.toMatchObject({ name: "SandboxError", code: "unavailable" });
    await expect(trees.read(treeHash)).rejects.toMatchObject({ code: "not-found" });
    await trees.save(odd);

    expect([...(await trees.read(treeHash))]).toEqual([...odd]);
  });

  it("does not take one tree for another", async () => {
    const folder = makeFolder();
    const trees = createTreeStore(folder);
    const treeHash = await trees.save(odd);
    const other = await trees.save(toManifest([["d", { type: "directory" }]]));
    writeFileSync(join(folder, treeHash), readFileSync(join(folder, other)));

    await expect(trees.read(treeHash)).rejects.toMatchObject({ code: "unavailable" });
  });

  it("refuses a tree of a newer version with a word, and leaves it alone", async () => {
    const folder = makeFolder();
    const trees = createTreeStore(folder);
    const treeHash = await trees.save(odd);
    const bytes = readFileSync(join(folder, treeHash));
    bytes[3] = 2;
    writeFileSync(join(folder, treeHash), bytes);

    await expect(trees.read(treeHash)).rejects.toMatchObject({ code: "unsupported" });
    expect(readFileSync(join(folder, treeHash)).equals(bytes)).toBe(true);
  });

  it("forgets a tree, refuses names that are none, and says when it cannot write", async () => {
    const folder = makeFolder({ blocked: "a file" });
    const trees = createTreeStore(folder);
    const treeHash = await trees.save(odd);

    await trees.remove(treeHash);
    await trees.remove(treeHash);

    expect(await trees.list()).toEqual([]);
    await expect(trees.read("../blocked")).rejects.toMatchObject({ code: "invalid" });
    await expect(createTreeStore(join(folder, "blocked")).save(odd)).rejects.toMatchObject({ code: "unavailable" });
  });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}
