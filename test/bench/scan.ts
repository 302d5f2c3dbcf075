import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findProgram, root } from "../../scripts/setup/paths.mjs";
import { createScanner, type Scan, type Scanner } from "../../src/snapshots/scan/scanner.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { ensureTree, type Tree } from "./generate-tree.ts";
import type { Row, Section } from "./section.ts";
import { measureInTurn, type Subject } from "./statistics.ts";
import { timeShell } from "./time-process.ts";

const WORKER_URL = new URL(`file://${join(root, "dist/scan-worker.js")}`);
export const MAX_FILE_BYTES = 50 << 20;

/** A scanner as it is shipped, in a thread of its own. */
export function startScanner(): Scanner {
  return createScanner(WORKER_URL);
}

/** Looking for what has changed since the last time: nothing, and one file. */
export async function benchScan(rounds: number): Promise<Section> {
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const size of ["small", "medium", "large"] as const)
    rows.push(...(await measureTree(await ensureTree(size), rounds, notes)));
  return {
    title: "What has changed",
    how: [
      "Generated trees with the sizes of files and folders of requests, prettier and babel; the page cache is warm.",
      "Sandpiper: a scan in a thread that has scanned before. Verified looks at every file and folder; watched looks at what the system's file watcher told of since the last verified scan.",
      "The others: `git status --porcelain` of the same tree, all committed, and `rsync -a --delete` to a copy that is the same.",
    ].join(" "),
    rows,
    notes: [
      ...notes,
      "git has no file-system monitor of its own on Linux (`git fsmonitor--daemon` is for macOS and Windows), so that watched scans too are held against plain `git status`.",
      ...(findProgram("rsync") ? [] : ["rsync was not measured: it is not installed."]),
    ],
  };
}

async function measureTree(tree: Tree, rounds: number, notes: string[]): Promise<readonly Row[]> {
  const folder = makeTempFolder();
  const [verifying, watching] = [startScanner(), startScanner()];
  const scan = (scanner: Scanner, watch: boolean): Promise<Scan> => {
    const cacheFile = join(folder, watch ? "watched" : "verified");
    const request = { root: tree.root, cacheFile, overlays: [], maxFileBytes: MAX_FILE_BYTES, watch };
    return scanner.scan(request, AbortSignal.timeout(60_000));
  };
  const copy = join(folder, "copy");
  const subjects: readonly (readonly [string, Subject])[] = [
    ["verified", () => time(() => scan(verifying, false))],
    ["watched", () => timeWatched(() => scan(watching, true))],
    ["git status", () => timeShell(`git -C '${tree.root}' status --porcelain`)],
    ...(findProgram("rsync")
      ? [["rsync", () => timeShell(`rsync -a --delete --exclude=/.git '${tree.root}/' '${copy}/'`)] as const]
      : []),
  ];
  try {
    const isWatched = await waitUntilWatched(() => scan(watching, true));
    if (!isWatched) notes.push(`The tree of ${tree.fileCount} files could not be watched here.`);
    const still = await measureInTurn(
      subjects.map(([, subject]) => subject),
      rounds,
    );
    let edits = 0;
    const edited = subjects.map(([, subject]) => () => {
      appendFileSync(join(tree.root, tree.file), `// ${edits++}\n`);
      return subject();
    });
    const changed = await measureInTurn(edited, rounds);
    const names = subjects.map(([name]) => name);
    const rows = [
      ...toRows(`nothing changed, ${tree.fileCount} files`, names, still),
      ...toRows(`one file edited, ${tree.fileCount} files`, names, changed),
    ];
    return isWatched ? rows : rows.filter(({ what }) => !what.endsWith("watched"));
  } finally {
    await verifying.dispose();
    await watching.dispose();
    removeFolder(folder);
    await ensureTree(tree.size);
  }
}

function toRows(what: string, names: readonly string[], times: readonly (readonly number[])[]): readonly Row[] {
  const [verified = [], watched = [], ...others] = times;
  const isStill = what.startsWith("nothing");
  const targets = isStill ? ["1.0×", "0.2×"] : [];
  return [
    ...others.map((values, index) =>
      toRow(`${what}, verified`, verified, { name: names[index + 2] ?? "", values }, targets[index]),
    ),
    toRow(`${what}, watched`, watched, { name: "git status", values: others[0] ?? [] }, isStill ? "5 ms" : undefined),
  ];
}

function toRow(
  what: string,
  ours: readonly number[],
  theirs: NonNullable<Row["theirs"]>,
  target: string | undefined,
): Row {
  return { what, unit: "ms", ours, theirs, target };
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Watching begins in the background, some time after the first scan. */
async function waitUntilWatched(scan: () => Promise<Scan>): Promise<boolean> {
  // A scan that comes while it begins puts it off: each is given more time than the one before.
  for (let seconds = 2; seconds <= 32; seconds *= 2) {
    if (!(await scan()).isVerified) return true;
    await delay(seconds * 1000);
  }
  return !(await scan()).isVerified;
}

/** Once a minute a scan looks at everything all the same: that one is not what is measured here. */
async function timeWatched(scan: () => Promise<Scan>): Promise<number> {
  for (let tries = 0; ; tries++) {
    const startedAt = performance.now();
    const { isVerified } = await scan();
    const ms = performance.now() - startedAt;
    if (!isVerified || tries === 3) return ms;
  }
}
