import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_FOLDER, type FolderNode, hashNode, withEntry } from "../../../src/snapshots/scan/folder-node.ts";
import { type Entry, toManifest } from "../../../src/snapshots/manifest.ts";
import { diffTrees, patchManifest, toTreeManifest } from "../../../src/snapshots/tree-delta.ts";
import { toTreeHash } from "../../../src/snapshots/tree-hash.ts";

const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    type: fc.constant("file" as const),
    sha256: fc.constantFrom("a".repeat(64), "b".repeat(64)),
    sizeBytes: fc.constant(1),
    executable: fc.boolean(),
  }),
  fc.record({ type: fc.constant("link" as const), target: fc.constantFrom("x", "y") }),
);
// Names around the slash, and around the surrogates, are where orders differ.
const path = fc
  .array(fc.constantFrom("a", "a-", "a0", "b", "\u{ffff}", "😀"), { minLength: 1, maxLength: 3 })
  .map((names) => names.join("/"));
const edits = fc.array(fc.tuple(path, fc.option(entry, { nil: undefined, freq: 3 })), { maxLength: 12 });

function edit(root: FolderNode, steps: readonly (readonly [string, Entry | undefined])[]): FolderNode {
  return steps.reduce((tree, [at, what]) => withEntry(tree, at, what), root);
}

describe("a tree of folders", () => {
  it("comes to a manifest in the order of paths, and to the hash of that manifest", () => {
    fc.assert(
      fc.property(edits, (steps) => {
        const root = edit(EMPTY_FOLDER, steps);
        const manifest = toTreeManifest(root);

        expect([...manifest.keys()]).toEqual([...toManifest(manifest).keys()]);
        expect(hashNode(root)).toBe(toTreeHash(new Map(manifest)));
      }),
    );
  });

  it("differs from another by what makes the one's manifest the other's, order and all", () => {
    fc.assert(
      fc.property(edits, edits, (first, second) => {
        const before = edit(EMPTY_FOLDER, first);
        const after = edit(before, second);

        const patched = patchManifest(toTreeManifest(before), diffTrees(before, after));

        expect([...patched]).toEqual([...toTreeManifest(after)]);
      }),
    );
  });
});
