import { describe, expect, it } from "vitest";
import type { SnapshotRecord } from "../../../../src/sessions/snapshot-records.ts";
import { selectOversized } from "../../../../src/sessions/timeline/select-oversized.ts";
import { type Manifest, toManifest } from "../../../../src/snapshots/manifest.ts";
import { toTreeHash } from "../../../../src/snapshots/tree-hash.ts";

const trees = new Map<string, Manifest>();

/** A snapshot of files of 100 bytes with these contents. */
function snapshot(contents: string, changes: Partial<SnapshotRecord> = {}): SnapshotRecord {
  const tree = toManifest(
    contents
      .split("")
      .map((content) => [content, { type: "file", sha256: content.repeat(64), sizeBytes: 100, executable: false }]),
  );
  const treeHash = toTreeHash(tree);
  trees.set(treeHash, tree);
  return {
    version: 1,
    id: contents,
    treeHash,
    baseTreeHash: treeHash,
    workspaceRoot: "/w",
    isPinned: false,
    cause: "push",
    envNames: [],
    createdAt: "2026-01-01T00:00:00.000Z",
    fileCount: contents.length,
    totalBytes: contents.length * 100,
    ...changes,
  };
}

async function readTree(hash: string): Promise<Manifest> {
  const tree = trees.get(hash);
  if (!tree) throw new Error("gone");
  return tree;
}

async function select(records: readonly SnapshotRecord[], storedBytes: number, maxBytes: number): Promise<string[]> {
  const selected = await selectOversized({ records, readTree, storedBytes, maxBytes });
  return selected.map(({ id }) => id);
}

describe("what has to go when snapshots take too much", () => {
  const newestFirst = [snapshot("abcd"), snapshot("abce"), snapshot("abcf"), snapshot("xyz")];

  it("is nothing while all of it fits", async () => {
    expect(await select(newestFirst, 900, 900)).toEqual([]);
  });

  it("is the oldest, by what each adds to those that stay", async () => {
    expect(await select(newestFirst, 900, 600)).toEqual(["xyz"]);
    expect(await select(newestFirst, 900, 500)).toEqual(["abcf", "xyz"]);
  });

  it("is told by what contents take on disk", async () => {
    expect(await select(newestFirst, 450, 300)).toEqual(["xyz"]);
    expect(await select(newestFirst, 450, 250)).toEqual(["abcf", "xyz"]);
  });

  it("is never the newest of a workspace, or what the user asked to keep; those count first", async () => {
    const pinned = snapshot("klm", { isPinned: true });
    const named = snapshot("nop", { name: "before" });
    const other = snapshot("q", { workspaceRoot: "/other" });

    expect(await select([...newestFirst, pinned, named, other], 1600, 1)).toEqual(["abce", "abcf", "xyz"]);
  });

  it("is none that is small when others' leftovers fill the disk", async () => {
    expect(await select(newestFirst, 1_000_000, 1000)).toEqual([]);
  });

  it("counts one whose list cannot be read for nothing", async () => {
    expect(await select([snapshot("ab"), { ...snapshot("cd"), treeHash: "0", baseTreeHash: "0" }], 201, 200)).toEqual(
      [],
    );
  });
});
