import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Entry, type Manifest, toManifest } from "../../src/snapshots/manifest.ts";
import { createObjectStore } from "../../src/snapshots/store/object-store.ts";
import { toSha256 } from "../../src/snapshots/regular-file.ts";
import type { StoreFolders } from "../../src/snapshots/store/store-files.ts";
import { createTreeStore } from "../../src/snapshots/store/tree-store.ts";

export function toFolders(folder: string): StoreFolders {
  return { store: join(folder, "store"), trees: join(folder, "trees") };
}

/** By then whatever is there is old enough to be cleared away. */
export function inTwoHours(): number {
  return Date.now() + 2 * 3_600_000;
}

/** Contents that nothing makes smaller, the same for the same name: some for packs, one for a file of its own. */
function makeContents(name: string, count: number): Buffer[] {
  const small = Array.from({ length: count }, (_, index) => makeNoise(`${name} ${index}`, 15_000));
  return [...small, makeNoise(`${name} large`, 1_200_000), Buffer.alloc(0)];
}

function makeNoise(seed: string, length: number): Buffer {
  return createHash("shake256", { outputLength: length }).update(seed).digest();
}

/** Keeps contents in one batch and trees that name them, as pushes do: by name, how many small contents there are. */
export async function keepTrees(folders: StoreFolders, counts: Readonly<Record<string, number>>): Promise<string[]> {
  const batch = createObjectStore(folders.store).openBatch();
  const manifests: Manifest[] = [];
  for (const [name, count] of Object.entries(counts)) {
    const entries = makeContents(name, count).map((content, index): [string, Entry] => {
      const sha256 = toSha256(content);
      batch.add(sha256, content);
      return [`f${index}`, { type: "file", sha256, sizeBytes: content.length, executable: false }];
    });
    manifests.push(toManifest(entries));
  }
  await batch.finish();
  const trees = createTreeStore(folders.trees);
  return await Promise.all(manifests.map((manifest) => trees.save(manifest)));
}

/** The trees that are there, each read with every content that it names. @throws when one of them is not whole */
export async function verifyStore(folders: StoreFolders): Promise<readonly string[]> {
  const store = createObjectStore(folders.store);
  const trees = createTreeStore(folders.trees);
  const treeHashes = await trees.list();
  for (const treeHash of treeHashes)
    for (const [path, entry] of await trees.read(treeHash)) {
      const digest = createHash("sha256");
      if (entry.type !== "file") continue;
      for await (const piece of store.read(entry.sha256)) digest.update(piece);
      if (digest.digest("hex") !== entry.sha256) throw new Error(`${path} is not what was kept`);
    }
  return treeHashes;
}
