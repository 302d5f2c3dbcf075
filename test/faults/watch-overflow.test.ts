import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EventEmitter, once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { toSha256 } from "../../src/snapshots/regular-file.ts";
import { createScanDesk } from "../../src/snapshots/scan/scan-desk.ts";
import {
  createWatchQueue,
  readWatchLimits,
  systemEvents,
  type WatchQueue,
} from "../../src/snapshots/scan/watch-queue.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";

// The kernel reads it when a queue is made; this test's process has none before the test makes it.
const LIMIT_FILE = "/proc/sys/fs/inotify/max_queued_events";
const SMALL = 64;
const cannotSet = process.platform !== "linux" || process.getuid?.() !== 0;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) removeFolder(folder);
});

function makeFolder(): string {
  const folder = makeTempFolder();
  folders.push(folder);
  return folder;
}

/** A queue that holds little, in the kernel as well as by what it knows of itself. */
async function makeSmallQueue(cookieFolder: string): Promise<WatchQueue> {
  const before = readFileSync(LIMIT_FILE, "utf8");
  try {
    writeFileSync(LIMIT_FILE, String(SMALL));
    const queue = createWatchQueue({ source: systemEvents, limits: readWatchLimits(), cookieFolder });
    expect(await queue.prove()).toBe(true);
    return queue;
  } finally {
    writeFileSync(LIMIT_FILE, before);
  }
}

describe("a queue of the kernel that overflows (tried as root only, who may make it small enough)", () => {
  it.skipIf(cannotSet).each([
    { when: "while it is full", isRead: false },
    { when: "when it has been read since", isRead: true },
  ])("loses changes without a word, and no scan is stale for that $when", async ({ isRead }) => {
    const root = makeFolder();
    for (const name of ["noisy", "quiet"]) mkdirSync(join(root, name));
    writeFileSync(join(root, "quiet/f"), "before");
    const queue = await makeSmallQueue(join(makeFolder(), "cookies"));
    const told: (string | undefined)[] = [];
    const deaf = queue.watch(
      join(root, "quiet"),
      (_kind, name) => told.push(name),
      () => {},
    );
    const noise = new EventEmitter();
    const loud = queue.watch(
      join(root, "noisy"),
      (_kind, name) => noise.emit(name ?? ""),
      () => {},
    );
    const desk = createScanDesk({ now: () => Date.now() + 60_000, code: "", listenAfterMs: 0, toQueue: () => queue });
    const request = { root, cacheFile: join(makeFolder(), "cache"), overlays: [], maxFileBytes: 1024, watch: true };
    await desk.scan(request);
    await desk.rest();
    expect((await desk.scan(request)).isVerified).toBe(false);

    const heard = once(noise, "f0");
    // In one go: nobody reads the queue meanwhile.
    for (let at = 0; at < SMALL; at++) writeFileSync(join(root, `noisy/f${at}`), "x");
    writeFileSync(join(root, "quiet/f"), "after!");
    if (isRead) await heard;
    const { manifest, isVerified } = await desk.scan(request);

    if (typeof manifest === "string") throw new Error("The scan found nothing new.");
    const entries = "delta" in manifest ? manifest.delta : manifest;
    expect(entries.get("quiet/f")).toMatchObject({ sha256: toSha256("after!") });
    expect(isVerified).toBe(true);
    // This is what makes it a test: the kernel did drop the change.
    expect(told).toEqual([]);
    loud.close();
    deaf.close();
    desk.close();
  });
});
