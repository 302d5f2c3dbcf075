import { randomUUID } from "node:crypto";
import { copyFileSync, readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isKnownListing } from "../../../../src/snapshots/scan/folder-listing.ts";
import { type FolderNode, hashNode, toFolderNode } from "../../../../src/snapshots/scan/folder-node.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { readScanCache, writeScanCache } from "../../../../src/snapshots/scan/scan-cache.ts";
import { enterWorkspace, lookAtWorkspace, scanWorkspace } from "../../../../src/snapshots/scan/scan-workspace.ts";
import type { Scan } from "../../../../src/snapshots/scan/scanner.ts";
import { makeFolder } from "../temp-folder.ts";

describe("the cache of a scan", () => {
  it.each([
    { what: "of another content and size", change: (file: string) => writeFileSync(file, "second!") },
    { what: "of the same size", change: (file: string) => writeFileSync(file, "FIRST") },
    { what: "of the same size and modification time", change: changeUnseen },
    { what: "that replaces it", change: replace },
  ])("does not hide a change $what", ({ change }) => {
    const { root, cacheFile } = scanned();

    change(join(root, "f"));

    expect(hashOf(scanAgain(root, cacheFile))).toBe(toSha256(readFileSync(join(root, "f"))));
  });

  it("saves reading what has not changed", () => {
    const { root: folder, cacheFile } = scanned();
    const known = readScanCache(cacheFile, "");
    const row = known?.stats.get("f");
    const marked = toSha256("what the cache says");

    const changed = row && new Map([["f", { ...row, entry: { ...row.entry, sha256: marked } }]]);
    if (known && changed) writeScanCache(cacheFile, toFolderNode({ ...known, stats: changed }), "");

    expect(hashOf(scanAgain(folder, cacheFile))).toBe(marked);
  });

  it("is not believed about a file that was changed when it was hashed (git's racy rule)", () => {
    const root = makeFolder({ f: "first" });
    const cacheFile = join(makeFolder(), "cache");

    scanWorkspace({ root, cacheFile, overlays: [], maxFileBytes: 1024 ** 2 });

    expect(countKnown(cacheFile)).toBe(0);
  });

  it("forgets what is gone", () => {
    const { root, cacheFile } = scanned();
    unlinkSync(join(root, "f"));

    scanAgain(root, cacheFile);

    expect(countKnown(cacheFile)).toBe(0);
  });

  it.each([
    { what: "is damaged", damage: (bytes: Buffer) => bytes.fill(0x55, 90, 91) },
    { what: "is cut", damage: (bytes: Buffer) => bytes.subarray(0, -3) },
    { what: "is empty", damage: () => Buffer.alloc(0) },
    { what: "is of a newer version", damage: (bytes: Buffer) => bytes.fill("9", 7, 8) },
  ])("costs a full scan and nothing else when it $what", ({ damage }) => {
    const { root, cacheFile } = scanned();
    writeFileSync(cacheFile, damage(readFileSync(cacheFile)));

    expect(countKnown(cacheFile)).toBe(0);
    expect(hashOf(scanAgain(root, cacheFile))).toBe(toSha256("first"));
  });

  it("keeps the whole tree, so that another process starts where this one ended", () => {
    const root = makeFolder({
      ".gitignore": "*.log\n",
      "a/b/f": "1",
      "a/x.log": "",
      "a/hollow": { folder: true },
      "a/f": "2",
    });
    const cacheFile = join(makeFolder(), "cache");
    const first = scanLater(root, cacheFile);
    const known = readScanCache(cacheFile, "");

    const request = { root, cacheFile, overlays: [], maxFileBytes: 1024 ** 2 };
    const again = lookAtWorkspace(request, enterWorkspace(request, later), known);

    expect(again).toBe(known);
    expect(hashNode(again)).toBe(first.treeHash);
  });

  it("believes what other code has judged about no name, and about files all the same", () => {
    const { cacheFile } = scanned();

    const own = readScanCache(cacheFile, "");
    const others = readScanCache(cacheFile, "another version");

    expect([own, others].map((known) => known && isKnownListing(known.listing))).toEqual([true, false]);
    expect(others?.stats).toEqual(own?.stats);
  });

  it("is no error when it cannot be written", () => {
    const root = makeFolder({ f: "first" });
    const blocked = makeFolder();

    expect(hashOf(scanLater(root, blocked))).toBe(toSha256("first"));
  });
});

/** How many files the cache knows directly in the workspace. */
function countKnown(cacheFile: string): number {
  const root: FolderNode | undefined = readScanCache(cacheFile, "");
  return root?.stats.size ?? 0;
}

/** Scans when every file has been left alone for long enough. */
function scanLater(root: string, cacheFile: string): Scan {
  return scanWorkspace({ root, cacheFile, overlays: [], maxFileBytes: 1024 ** 2 }, later);
}

const later = (): number => Date.now() + 60_000;

function scanned(): { root: string; cacheFile: string } {
  const root = makeFolder({ f: "first" });
  const cacheFile = join(makeFolder(), "cache");
  scanLater(root, cacheFile);
  expect(countKnown(cacheFile)).toBe(1);
  return { root, cacheFile };
}

/** Scans as another process would, which remembers nothing but what is on disk. */
function scanAgain(root: string, cacheFile: string): Scan {
  const copy = `${cacheFile}-${randomUUID()}`;
  copyFileSync(cacheFile, copy);
  const found = scanLater(root, copy);
  copyFileSync(copy, cacheFile);
  return found;
}

function hashOf({ manifest }: Scan): unknown {
  const entry = manifest.get("f");
  return entry?.type === "file" ? entry.sha256 : undefined;
}

function changeUnseen(file: string): void {
  const { atime, mtime } = statSync(file);
  writeFileSync(file, "FIRST");
  utimesSync(file, atime, mtime);
}

function replace(file: string): void {
  const { atime, mtime } = statSync(file);
  writeFileSync(`${file}.new`, "FIRST");
  utimesSync(`${file}.new`, atime, mtime);
  renameSync(`${file}.new`, file);
}
