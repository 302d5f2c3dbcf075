import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterEach, describe, expect, it } from "vitest";
import { packFiles } from "../../src/snapshots/archive/pack.ts";
import { createScanner, type Scanner, type ScanRequest } from "../../src/snapshots/scan/scanner.ts";
import { toTreeHash } from "../../src/snapshots/tree-hash.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const never = new AbortController().signal;
const folders: string[] = [];
const scanners: Scanner[] = [];

afterEach(async () => {
  for (const scanner of scanners.splice(0)) await scanner.dispose();
  for (const folder of folders.splice(0)) removeFolder(folder);
});

function makeFolder(): string {
  const folder = makeTempFolder();
  folders.push(folder);
  return folder;
}

function start(): Scanner {
  const scanner = createScanner(new URL("../../src/snapshots/scan/scan-worker.ts", import.meta.url));
  scanners.push(scanner);
  return scanner;
}

function requestFor(root: string): ScanRequest {
  return { root, cacheFile: join(makeFolder(), "cache"), overlays: [], maxFileBytes: 8 * GIB, watch: true };
}

/** Runs `act`, and returns by how much the process grew at most meanwhile. */
async function measureGrowth(act: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  try {
    await act();
  } finally {
    clearInterval(timer);
  }
  return Math.max(peak, process.memoryUsage.rss()) - before;
}

describe("a file of more than 4 GiB", () => {
  it("is scanned and packed in constant memory, and arrives with its size", async () => {
    const root = makeFolder();
    const sizeBytes = 4 * GIB + 1;
    writeFileSync(join(root, "large"), "start");
    truncateSync(join(root, "large"), sizeBytes);
    const scanner = start();
    let listed = "";

    const grownBytes = await measureGrowth(async () => {
      const { manifest, totalBytes } = await scanner.scan(requestFor(root), never);
      expect(totalBytes).toBe(sizeBytes);
      const pack = packFiles({ root, manifest, paths: ["large"], overlays: [] });
      const tar = spawn("tar", ["-tvf", "-"]);
      tar.stdout.on("data", (piece: Buffer) => (listed += piece.toString()));
      const closed = new Promise((resolve) => tar.once("close", resolve));
      await pipeline(Readable.from(pack.tar), tar.stdin);
      await closed;
      // The same content by the scan's reading and by the pack's.
      expect([...(await pack.updates)]).toEqual([]);
    });

    expect(listed).toMatch(new RegExp(` ${sizeBytes} .* large\n$`));
    expect(grownBytes).toBeLessThan(300 * MIB);
  }, 300_000);
});

describe("a workspace of 100,000 files", () => {
  it("is scanned, listened to and scanned again", async () => {
    const root = makeFolder();
    for (let folder = 0; folder < 1000; folder++) {
      mkdirSync(join(root, `d${folder}`));
      for (let file = 0; file < 100; file++) writeFileSync(join(root, `d${folder}`, `f${file}`), `${folder} ${file}`);
    }
    const scanner = start();
    const request = requestFor(root);

    const first = await scanner.scan(request, never);
    const again = await scanner.scan(request, never);
    writeFileSync(join(root, "d500/f50"), "changed");
    mkdirSync(join(root, "new"));
    writeFileSync(join(root, "new/f"), "");
    const changed = await scanner.scan(request, never);

    expect(first.manifest.size).toBe(100_000);
    expect(again.manifest).toBe(first.manifest);
    expect(changed.manifest.size).toBe(100_001);
    expect(changed.manifest.get("d500/f50")).toMatchObject({ sizeBytes: 7 });
    expect(changed.treeHash).toBe(toTreeHash(new Map(changed.manifest)));
    expect([...changed.manifest.keys()].slice(-2)).toEqual(["d999/f99", "new/f"]);
  }, 300_000);

  it("all in one folder, is scanned and kept for the next process as well", async () => {
    const root = makeFolder();
    execFileSync("sh", ["-c", "seq 100000 | xargs touch -d 2001-01-01"], { cwd: root });
    const request = requestFor(root);

    const first = await start().scan(request, never);
    const again = await start().scan(request, never);

    expect([first.manifest.size, again.treeHash]).toEqual([100_000, first.treeHash]);
  }, 300_000);
});
