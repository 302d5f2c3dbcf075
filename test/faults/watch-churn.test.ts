import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Manifest } from "../../src/snapshots/manifest.ts";
import { createScanDesk } from "../../src/snapshots/scan/scan-desk.ts";
import { scanWorkspace } from "../../src/snapshots/scan/scan-workspace.ts";
import type { ScanNews } from "../../src/snapshots/scan/scanner.ts";
import { patchManifest } from "../../src/snapshots/tree-delta.ts";
import { createWatchQueue, readWatchLimits, systemEvents } from "../../src/snapshots/scan/watch-queue.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";

const ROUNDS = 4;
const STEPS = 3000;
const churn = new URL("churn.ts", import.meta.url).pathname;
const folder = makeTempFolder();

afterEach(() => removeFolder(folder));

describe.runIf(process.platform === "linux")("a workspace that is listened to and changes while it is scanned", () => {
  it("is known as it is once it holds still", async () => {
    const root = join(folder, "workspace");
    mkdirSync(root);
    const limits = readWatchLimits();
    const desk = createScanDesk({
      now: Date.now,
      code: "",
      listenAfterMs: 0,
      toQueue: (cookieFolder) => createWatchQueue({ source: systemEvents, limits, cookieFolder }),
    });
    const request = { root, cacheFile: join(folder, "cache"), overlays: [], maxFileBytes: 1024 ** 2, watch: true };
    let manifest: Manifest = new Map();
    const scan = async (): Promise<ScanNews> => {
      const news = await desk.scan(request);
      manifest = take(manifest, news);
      await desk.rest();
      await setImmediate();
      return news;
    };

    for (let seed = 1; seed <= ROUNDS; seed++) {
      await scan();
      const change = startChange(root, seed);
      while (!change.isOver()) await scan();

      const { treeHash, notes } = await scan();
      const truth = scanWorkspace({ ...request, cacheFile: join(folder, `afresh-${seed}`) });
      expect([...manifest]).toEqual([...truth.manifest]);
      expect(treeHash).toBe(truth.treeHash);
      expect(notes.filter((note) => note.includes("did not tell"))).toEqual([]);
    }
    // Nothing of that is a reason to stop listening.
    await scan();
    expect((await scan()).isVerified).toBe(false);
    desk.close();
  }, 120_000);
});

function take(manifest: Manifest, { manifest: news }: ScanNews): Manifest {
  if (news === "as before") return manifest;
  return "delta" in news ? patchManifest(manifest, news.delta) : news;
}

/** Another process that changes the workspace for a while. Every second one makes other names of files too. */
function startChange(root: string, seed: number): { isOver: () => boolean } {
  const child = spawn(process.execPath, [churn, root, String(STEPS), String(seed)], { stdio: "inherit" });
  let isOver = false;
  child.once("close", () => (isOver = true));
  return { isOver: () => isOver };
}
