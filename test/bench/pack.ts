import { join } from "node:path";
import { createObjectStore, type ObjectBatch } from "../../src/snapshots/store/object-store.ts";
import { packFiles } from "../../src/snapshots/archive/pack.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { ensureTree, type Tree } from "./generate-tree.ts";
import { MAX_FILE_BYTES, startScanner } from "./scan.ts";
import type { Row, Section } from "./section.ts";
import { medianOf, measureInTurn } from "./statistics.ts";
import { timeShell } from "./time-process.ts";

/** Milliseconds of the parts of one cold pack. */
export interface PackTimes {
  readonly scanMs: number;
  readonly packMs: number;
}

/** A workspace that nobody has seen before, from nothing to the archive that goes into a sandbox. */
export async function benchPack(rounds: number): Promise<Section> {
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const size of ["small", "medium", "large"] as const) {
    const tree = await ensureTree(size);
    const parts: PackTimes[] = [];
    const [without = [], kept = [], tar = []] = await measureInTurn(
      [() => timePack(tree, false, parts), () => timePack(tree, true, []), () => timeTar(tree)],
      rounds,
    );
    const theirs = { name: "tar", values: tar };
    rows.push({ what: `scan, hash, pack, ${tree.fileCount} files`, unit: "ms", ours: without, theirs, target: "1.0×" });
    rows.push({ what: `the same, contents kept, ${tree.fileCount} files`, unit: "ms", ours: kept, theirs });
    notes.push(toNote(tree, parts));
  }
  return {
    title: "Cold: scan, hash and pack",
    how: "Sandpiper: a new thread, no cache, every file hashed; then the archive of all files, read to its end; with contents kept, also every content compressed into an empty object store, on the disk. The other: `tar -cf - . | wc -c` without .git, which hashes and keeps nothing. The page cache is warm.",
    rows,
    notes,
  };
}

function toNote({ fileCount }: Tree, parts: readonly PackTimes[]): string {
  const median = (pick: (times: PackTimes) => number): string => medianOf(parts.map(pick)).toFixed(0);
  return `Of ${fileCount} files: ${median(({ scanMs }) => scanMs)} ms for the thread's start and the scan with its hashes, ${median(({ packMs }) => packMs)} ms for the archive.`;
}

async function timePack(tree: Tree, keeps: boolean, parts: PackTimes[]): Promise<number> {
  const folder = makeTempFolder();
  try {
    const keep = keeps ? createObjectStore(join(folder, "store")).openBatch() : undefined;
    const times = await packCold(tree, keep, drain);
    parts.push(times);
    return times.scanMs + times.packMs;
  } finally {
    removeFolder(folder);
  }
}

/** Scans and packs the tree as if for the first time; `take` gets the archive. */
export async function packCold(
  tree: Tree,
  keep: ObjectBatch | undefined,
  take: (tar: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<PackTimes> {
  const folder = makeTempFolder();
  const scanner = startScanner();
  try {
    const startedAt = performance.now();
    const request = { root: tree.root, cacheFile: join(folder, "cache"), overlays: [], maxFileBytes: MAX_FILE_BYTES };
    const { manifest } = await scanner.scan(request, AbortSignal.timeout(60_000));
    const scannedAt = performance.now();
    if (manifest.size !== tree.fileCount)
      throw new Error(`The scan found ${manifest.size} of ${tree.fileCount} files.`);
    const paths = [...manifest.keys()];
    await take(packFiles({ root: tree.root, manifest, paths, overlays: [], ...(keep ? { keep } : {}) }).tar);
    await keep?.finish();
    return { scanMs: scannedAt - startedAt, packMs: performance.now() - scannedAt };
  } finally {
    await keep?.discard();
    await scanner.dispose();
    removeFolder(folder);
  }
}

async function drain(tar: AsyncIterable<Uint8Array>): Promise<void> {
  let sizeBytes = 0;
  for await (const piece of tar) sizeBytes += piece.length;
  if (sizeBytes === 0) throw new Error("The archive is empty.");
}

function timeTar({ root }: Tree): Promise<number> {
  return timeShell(`tar -C '${root}' --exclude=./.git -cf - . | wc -c`);
}
