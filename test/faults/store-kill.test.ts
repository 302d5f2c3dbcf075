import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findProgram } from "../../scripts/setup/paths.mjs";
import { collectGarbage } from "../../src/snapshots/store/collect-garbage.ts";
import { createObjectStore } from "../../src/snapshots/store/object-store.ts";
import { inTwoHours, keepTrees, toFolders, verifyStore } from "./store-world.ts";

const WRITER = new URL("store-writer.ts", import.meta.url).pathname;
/** Everything that changes something on a disk, and a few wake-ups of threads. */
const CALLS =
  "mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,fsync,fdatasync,write,pwrite64,writev,utimensat";
const AT_ONCE = 4;

let folder: string;
let live: string;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "sandpiper-kill-")));
  // A store with a tree that has to stay, one that has to go, and a pack that has something of both.
  const folders = toFolders(join(folder, "start"));
  [live = ""] = await keepTrees(folders, { live: 12, old: 30 });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the writer on a copy of the store and kills it when it enters that system call, counted from 1. */
async function killAt(count: number): Promise<{ readonly copy: string; readonly isKilled: boolean }> {
  const copy = join(folder, String(count));
  cpSync(join(folder, "start"), copy, { recursive: true });
  const inject = `inject=${CALLS}:signal=KILL:when=${count}`;
  const strace = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${CALLS}`, "-e", inject];
  const child = spawn("strace", [...strace, process.execPath, WRITER, copy, live], {
    // With one thread for the file system its calls come in the same order every time.
    env: { ...process.env, UV_THREADPOOL_SIZE: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let words = "";
  child.stderr.on("data", (bytes) => (words += String(bytes)));
  await once(child, "close");
  if (child.signalCode === null && child.exitCode !== 0) throw new Error(`The writer failed: ${words}`);
  return { copy, isKilled: child.signalCode === "SIGKILL" };
}

/** What has to be so whenever the writer was killed. */
async function check(copy: string): Promise<void> {
  const folders = toFolders(copy);
  expect(await verifyStore(folders)).toContain(live);
  // What it left is no hindrance: the same can be kept, and cleared away, once more.
  const [added = ""] = await keepTrees(folders, { added: 40 });
  await collectGarbage(folders, { treeHashes: [live, added], objects: [] }, { now: inTwoHours });
  expect(await verifyStore(folders)).toEqual([live, added].sort());
  expect(readdirSync(folders.store).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  await createObjectStore(folders.store).put([Buffer.from("and more")]);
}

describe.skipIf(!findProgram("strace"))("a store whose writer is killed", () => {
  it("has every content of every tree that is there, whichever system call it was killed at", async () => {
    let kills = 0;
    for (let isOver = false; !isOver;) {
      const counts = Array.from({ length: AT_ONCE }, (_, index) => kills + index + 1);
      const killed = await Promise.all(counts.map((count) => killAt(count)));
      for (const { copy, isKilled } of killed) {
        await check(copy);
        rmSync(copy, { recursive: true });
        if (isKilled) kills++;
        else isOver = true;
      }
    }
    expect(kills).toBeGreaterThan(50);
  }, 600_000);
});
