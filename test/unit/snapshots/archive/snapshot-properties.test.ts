import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { whyUnsafePath } from "../../../../src/core/workspace-path.ts";
import { applyToDisk } from "../../../../src/snapshots/changes/apply-change.ts";
import { diffManifests, type Manifest } from "../../../../src/snapshots/manifest.ts";
import { createObjectStore, type ObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { packFiles } from "../../../../src/snapshots/archive/pack.ts";
import { packStored } from "../../../../src/snapshots/archive/pack-stored.ts";
import { createPathGate } from "../../../../src/snapshots/path-gate.ts";
import { readArchive } from "../../../../src/snapshots/archive/read-archive.ts";
import { scanWorkspace } from "../../../../src/snapshots/scan/scan-workspace.ts";
import { createTreeStore } from "../../../../src/snapshots/store/tree-store.ts";
import { writeArchive } from "../../../../src/snapshots/archive/write-archive.ts";
import { roomy, toBuffer } from "./tar-samples.ts";

const MIB = 1024 ** 2;

type Item =
  | { readonly type: "file"; readonly path: string; readonly content: Uint8Array; readonly executable: boolean }
  | { readonly type: "link"; readonly path: string; readonly target: string }
  | { readonly type: "folder"; readonly path: string };

// Few names, so that edits meet; among them what tools stumble over.
const name = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("a", "a-b", "a.txt", "b", "B", "ü", "u\u0308", "line\nbreak", " ", "-rf", "😀"),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
      .map((any) => `n${Buffer.from(any.replaceAll(/[\0/]/g, "-")).toString()}`)
      .filter((any) => whyUnsafePath(any, "linux") === undefined),
  },
);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const content = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 2, arbitrary: fc.constantFrom("", "a\r\nb\r\n", "no end", "\ufeffbom\n").map((text) => Buffer.from(text)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: MIB - 1, max: 2 * MIB + 1 }).map((size) => Buffer.alloc(size, `big ${size} `)),
  },
);
const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("file"), path, content, executable: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("link"), path, target: fc.constantFrom("a", "b/none", "./ü") }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("folder"), path }) },
);
/** What one folder can hold. */
const tree = fc.array(item, { maxLength: 14 }).map((items) => {
  const gate = createPathGate("linux");
  return items.filter(({ path: own, type }) => gate.refuse(own, type === "folder") === undefined);
});

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "sandpiper-property-")));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function plant(root: string, items: readonly Item[]): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  for (const each of items) {
    const file = join(root, each.path);
    mkdirSync(dirname(file), { recursive: true });
    if (each.type === "folder") mkdirSync(file, { recursive: true });
    else if (each.type === "link") symlinkSync(each.target, file);
    else {
      writeFileSync(file, each.content);
      chmodSync(file, each.executable ? 0o755 : 0o644);
    }
  }
}

function scan(root: string): Manifest {
  return scanWorkspace({ root, cacheFile: `${root}.cache-${Math.random()}`, overlays: [], maxFileBytes: 1024 * MIB })
    .manifest;
}

/** Scans a folder and keeps all of it. */
async function keep(root: string, store: ObjectStore): Promise<Manifest> {
  const manifest = scan(root);
  const batch = store.openBatch();
  await toBuffer(packFiles({ root, manifest, paths: [...manifest.keys()], overlays: [], keep: batch }).tar);
  await batch.finish();
  return manifest;
}

async function unpack(root: string, manifest: Manifest, store: ObjectStore): Promise<void> {
  mkdirSync(root);
  const input = await toBuffer(packStored({ manifest, paths: [...manifest.keys()], store }).tar);
  execFileSync("tar", ["-xf", "-", "-C", root], { input });
}

describe("a snapshot of any tree", () => {
  it("restored from the disk is the tree to the byte, mode and link", async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (items) => {
        await withFolder(async (folder) => {
          plant(join(folder, "before"), items);
          const trees = createTreeStore(join(folder, "trees"));
          const treeHash = await trees.save(
            await keep(join(folder, "before"), createObjectStore(join(folder, "store"))),
          );

          const manifest = await trees.read(treeHash);
          await unpack(join(folder, "after"), manifest, createObjectStore(join(folder, "store")));

          expect([...manifest]).toEqual([...scan(join(folder, "before"))]);
          expect([...scan(join(folder, "after"))]).toEqual([...manifest]);
          expect(new Set(manifest.keys())).toEqual(new Set(listExpected(items)));
        });
      }),
      { numRuns: 25 },
    );
  }, 120_000);

  it("exported and imported is the tree", async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (items) => {
        await withFolder(async (folder) => {
          plant(join(folder, "before"), items);
          const store = createObjectStore(join(folder, "store"));
          const manifest = await keep(join(folder, "before"), store);
          const elsewhere = createObjectStore(join(folder, "elsewhere"));

          await writeArchive({ manifest, store, note: {} }, join(folder, "file"));
          const read = await readArchive(join(folder, "file"), elsewhere, roomy);
          await unpack(join(folder, "after"), read.manifest, elsewhere);

          expect([...read.manifest]).toEqual([...manifest]);
          expect([...scan(join(folder, "after"))]).toEqual([...manifest]);
        });
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  it("is reached from any other by what differs", async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, fc.infiniteStream(fc.boolean()), async (first, others, isKept) => {
        await withFolder(async (folder) => {
          const root = join(folder, "workspace");
          const store = createObjectStore(join(folder, "store"));
          plant(root, first);
          const from = await keep(root, store);
          // Another tree that has most of the first.
          const gate = createPathGate("linux");
          const second = [...others, ...first.filter(() => isKept.next().value === true)];
          plant(
            root,
            second.filter(({ path: own, type }) => gate.refuse(own, type === "folder") === undefined),
          );
          const to = await keep(root, store);
          plant(root, first);

          const { added, changed, deleted } = diffManifests(from, to);
          for (const each of [...deleted, ...added, ...changed]) {
            const [expected, theirs] = [from.get(each), to.get(each)];
            expect(await applyToDisk({ root, path: each, expected, theirs, store })).toBe("applied");
          }

          expect([...scan(root)]).toEqual([...to]);
        });
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});

/** The paths of those items that are entries: folders only when they are empty. */
function listExpected(items: readonly Item[]): string[] {
  return items.flatMap(({ path: own, type }) => {
    return type === "folder" && items.some((other) => other.path.startsWith(`${own}/`)) ? [] : [own];
  });
}
