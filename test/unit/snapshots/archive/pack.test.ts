import {
  appendFileSync,
  chmodSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { type Entry, type Manifest, toManifest } from "../../../../src/snapshots/manifest.ts";
import { toObjectFile } from "../../../../src/snapshots/store/object-file.ts";
import { createObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { type Pack, packFiles } from "../../../../src/snapshots/archive/pack.ts";
import { packStored } from "../../../../src/snapshots/archive/pack-stored.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { scanWorkspace } from "../../../../src/snapshots/scan/scan-workspace.ts";
import type { Overlay } from "../../../../src/snapshots/scan/scanner.ts";
import { contentOf, readAll, type ReadEntry } from "./tar-samples.ts";
import { makeFolder } from "../temp-folder.ts";

const MIB = 1024 ** 2;

function manifestOf(root: string, overlays: readonly Overlay[] = []): Manifest {
  return scanWorkspace({ root, cacheFile: join(makeFolder(), "cache"), overlays, maxFileBytes: 1024 * MIB }).manifest;
}

function packAll(root: string, manifest: Manifest, overlays: readonly Overlay[] = []): Pack {
  return packFiles({ root, manifest, paths: [...manifest.keys()], overlays });
}

async function unpack(
  pack: Pack,
): Promise<{ entries: Map<string, ReadEntry>; updates: ReadonlyMap<string, Entry | undefined> }> {
  const entries = new Map((await readAll(pack.tar)).map((entry) => [entry.path, entry]));
  return { entries, updates: await pack.updates };
}

describe("packFiles", () => {
  it("packs what the manifest says, and has nothing to tell", async () => {
    const large = Buffer.alloc(9 * MIB + 17, "not a multiple of anything");
    const root = makeFolder({
      "a/b": "b",
      run: { program: "#!" },
      l: { link: "a/b" },
      hollow: { folder: true },
      large,
    });
    const manifest = manifestOf(root);

    const { entries, updates } = await unpack(packAll(root, manifest));

    expect([...entries.keys()]).toEqual([...manifest.keys()]);
    expect(contentOf(entries.get("large")).equals(large)).toBe(true);
    expect(entries.get("run")).toMatchObject({ executable: true });
    expect(entries.get("l")).toMatchObject({ type: "link", target: "a/b" });
    expect(updates.size).toBe(0);
  });

  it("packs only the paths that are asked for", async () => {
    const root = makeFolder({ a: "", b: "" });

    const { entries } = await unpack(packFiles({ root, manifest: manifestOf(root), paths: ["b"], overlays: [] }));

    expect([...entries.keys()]).toEqual(["b"]);
  });

  it("packs the text on screen in the place of the file", async () => {
    const root = makeFolder({ "run.sh": { program: "old" } });
    const overlays = [
      { path: "run.sh", text: "neu ü" },
      { path: "only/on-screen.py", text: "x" },
    ];

    const { entries, updates } = await unpack(packAll(root, manifestOf(root, overlays), overlays));

    expect(entries.get("run.sh")).toMatchObject({ content: Buffer.from("neu ü"), executable: true });
    expect(String(contentOf(entries.get("only/on-screen.py")))).toBe("x");
    expect(updates.size).toBe(0);
  });

  it("packs what changed after the scan as it is now, and says so", async () => {
    const root = makeFolder({
      text: "old",
      gone: "x",
      mode: "m",
      turned: "t",
      hollow: { folder: true },
      l: { link: "text" },
    });
    const manifest = manifestOf(root);
    writeFileSync(join(root, "text"), "changed");
    unlinkSync(join(root, "gone"));
    chmodSync(join(root, "mode"), 0o755);
    unlinkSync(join(root, "turned"));
    symlinkSync("text", join(root, "turned"));
    unlinkSync(join(root, "l"));
    symlinkSync("mode", join(root, "l"));
    rmSync(join(root, "hollow"), { recursive: true });

    const { entries, updates } = await unpack(packAll(root, manifest));

    expect(Object.fromEntries(updates)).toEqual({
      text: { type: "file", sha256: toSha256("changed"), sizeBytes: 7, executable: false },
      gone: undefined,
      mode: { type: "file", sha256: toSha256("m"), sizeBytes: 1, executable: true },
      turned: { type: "link", target: "text" },
      l: { type: "link", target: "mode" },
      hollow: undefined,
    });
    expect([...entries.keys()]).toEqual(["l", "mode", "text", "turned"]);
    expect(String(contentOf(entries.get("text")))).toBe("changed");
  });

  it.each([
    { what: "shrinks", change: (file: string) => truncateSync(file, 5 * MIB), tail: 0 },
    {
      what: "grows",
      change: (file: string) => appendFileSync(file, Buffer.alloc(MIB, "more")),
      tail: "x".charCodeAt(0),
    },
  ])("keeps the archive whole when a large file $what while it is read", async ({ change, tail }) => {
    const root = makeFolder({ big: Buffer.alloc(12 * MIB, "x"), next: "after it" });
    const pack = packAll(root, manifestOf(root));
    const changing = async function* (): AsyncIterable<Uint8Array> {
      let isFirst = true;
      for await (const piece of pack.tar) {
        if (isFirst) change(join(root, "big"));
        isFirst = false;
        yield piece;
      }
    };

    const entries = await readAll(changing());
    const updates = await pack.updates;

    const [big, next] = entries;
    const content = contentOf(big);
    expect(content.length).toBe(12 * MIB);
    expect(content.at(-1)).toBe(tail);
    expect(String(contentOf(next))).toBe("after it");
    const update = updates.get("big");
    expect(update?.type === "file" ? update.sha256 : toSha256("x".repeat(12 * MIB))).toBe(toSha256(content));
  });

  it("keeps every content that it packs, as it packs it", async () => {
    const large = Buffer.alloc(9 * MIB + 17, "not a multiple of anything");
    const middle = Buffer.alloc(2 * MIB, "too large for a pack");
    const root = makeFolder({ "a/b": "b", same: "b", large, middle, l: { link: "a/b" }, edited: "old", late: "x" });
    const overlays = [{ path: "edited", text: "on screen" }];
    const manifest = manifestOf(root, overlays);
    writeFileSync(join(root, "late"), "changed");
    const store = createObjectStore(makeFolder());
    const keep = store.openBatch();
    const paths = [...manifest.keys()];
    const pack = packFiles({ root, manifest, paths, overlays, keep });

    const { entries, updates } = await unpack(pack);
    await keep.finish();

    expect([...updates.keys()]).toEqual(["late"]);
    const now = toManifest([...manifest, ["late", updates.get("late") ?? { type: "directory" }]]);
    const stored = await unpack(packStored({ manifest: now, paths, store }));
    expect(stored.updates.size).toBe(0);
    expect([...stored.entries.keys()]).toEqual(paths);
    for (const [path, entry] of entries)
      expect({ path, same: isDeepStrictEqual(stored.entries.get(path), entry) }).toEqual({ path, same: true });
  });

  it("keeps no large file that was not read to its end", async () => {
    const root = makeFolder({ big: Buffer.alloc(12 * MIB, "x") });
    const folder = makeFolder();
    const keep = createObjectStore(folder).openBatch();
    const manifest = manifestOf(root);
    const pack = packFiles({ root, manifest, paths: ["big"], overlays: [], keep });

    for await (const piece of pack.tar) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    await keep.finish();

    expect(readdirSync(folder)).toEqual([]);
  });

  it("reads nothing through a link that took a folder's place (security 18)", async () => {
    const outside = makeFolder({ f: "secret" });
    const root = makeFolder({ "d/f": "mine" });
    const manifest = manifestOf(root);
    renameSync(join(root, "d"), join(root, "moved"));
    symlinkSync(outside, join(root, "d"));

    const { entries, updates } = await unpack(packAll(root, manifest));

    expect(entries.size).toBe(0);
    expect([...updates]).toEqual([["d/f", undefined]]);
  });

  it("tells whoever waits when the archive is not read to its end", async () => {
    const root = makeFolder({ a: Buffer.alloc(3 * MIB) });
    const pack = packAll(root, manifestOf(root));

    for await (const piece of pack.tar) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }

    await expect(pack.updates).rejects.toMatchObject({ name: "SandboxError" });
  });
});

describe("packStored", () => {
  it.each([
    { what: "is not kept", spoil: (file: string) => rmSync(file), code: "not-found" },
    { what: "is damaged", spoil: (file: string) => writeFileSync(file, "bad"), code: "unavailable" },
  ])("names the file whose content $what", async ({ spoil, code }) => {
    const folder = makeFolder();
    const store = createObjectStore(folder);
    const { sha256, sizeBytes } = await store.put([Buffer.from("x")]);
    const manifest = toManifest([["a/b.ts", { type: "file", sha256, sizeBytes, executable: false }]]);
    spoil(toObjectFile(folder, sha256));

    const reading = readAll(packStored({ manifest, paths: ["a/b.ts"], store }).tar);

    await expect(reading).rejects.toMatchObject({ name: "SandboxError", code });
    await expect(reading).rejects.toThrow(/^a\/b\.ts: /);
  });

  it.each([0, 2])("does not pass off content as being of %i bytes that is of another size", async (sizeBytes) => {
    const store = createObjectStore(makeFolder());
    const { sha256 } = await store.put([Buffer.from("x")]);
    const manifest = toManifest([["f", { type: "file", sha256, sizeBytes, executable: false }]]);

    const reading = readAll(packStored({ manifest, paths: ["f"], store }).tar);

    await expect(reading).rejects.toMatchObject({ code: "unavailable" });
    await expect(reading).rejects.toThrow(/^f /);
  });
});
