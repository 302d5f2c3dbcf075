import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { createScanDesk, type ScanDesk } from "../../../../src/snapshots/scan/scan-desk.ts";
import type { Scan, ScanNews, ScanRequest } from "../../../../src/snapshots/scan/scanner.ts";
import type { Manifest } from "../../../../src/snapshots/manifest.ts";
import { scanWorkspace } from "../../../../src/snapshots/scan/scan-workspace.ts";
import { patchManifest } from "../../../../src/snapshots/tree-delta.ts";
import {
  createWatchQueue,
  type EventSource,
  type OnEvent,
  systemEvents,
  type WatchLimits,
} from "../../../../src/snapshots/scan/watch-queue.ts";
import { makeFolder } from "../temp-folder.ts";

const LIMITS: WatchLimits = { queuedEvents: 16_384, watches: 10_000 };
const desks: ScanDesk[] = [];

afterEach(() => {
  for (const desk of desks.splice(0)) desk.close();
});

/** A workspace that is scanned again and again by one thread that listens. */
export interface WatchWorld {
  readonly root: string;
  /** Adds to the clock, in ms. */
  wait(ms: number): void;
  /** As whoever asks the thread sees it. */
  scan(more?: Partial<ScanRequest>): Promise<Pick<Scan, "manifest" | "isVerified" | "notes" | "treeHash">>;
  /** Resolves when nothing goes on in the background. */
  rest(): Promise<void>;
  /** Scans until the thread listens, so that the next scan is not a verified one. */
  settle(): Promise<void>;
}

/** @param source what tells of changes; the system where none is given */
export function openWorld(
  root: string,
  source: EventSource = systemEvents,
  limits: Partial<WatchLimits> = {},
): WatchWorld {
  const cacheFile = join(makeFolder(), "cache");
  // As if all had been left alone for long, so that whatever can be believed is.
  let lead = 60_000;
  const now = (): number => Date.now() + lead;
  const toQueue = (cookieFolder: string) =>
    createWatchQueue({ source, limits: { ...LIMITS, ...limits }, cookieFolder });
  const desk = createScanDesk({ now, code: "", listenAfterMs: 0, toQueue });
  desks.push(desk);
  let manifest: Manifest = new Map();
  const scan: WatchWorld["scan"] = async (more = {}) => {
    const request = { root, cacheFile, overlays: [], maxFileBytes: 1024 ** 2, watch: true, ...more };
    const news = await desk.scan(request);
    manifest = take(manifest, news);
    return { ...news, manifest };
  };
  return {
    root,
    scan,
    wait: (ms) => (lead += ms),
    rest: () => desk.rest(),
    async settle() {
      await scan();
      await desk.rest();
    },
  };
}

function take(manifest: Manifest, { manifest: news }: ScanNews): Manifest {
  if (news === "as before") return manifest;
  return "delta" in news ? patchManifest(manifest, news.delta) : news;
}

/** What a thread says that has never seen the workspace. */
export function scanAfresh(root: string): Scan {
  return scanWorkspace({ root, cacheFile: join(makeFolder(), "cache"), overlays: [], maxFileBytes: 1024 ** 2 });
}

/** Scans, and expects what a fresh look at everything finds. Resolves with whether everything was looked at. */
export async function expectTruth(world: WatchWorld): Promise<boolean> {
  const { manifest, isVerified, treeHash } = await world.scan();
  const truth = scanAfresh(world.root);
  expect([...manifest]).toEqual([...truth.manifest]);
  expect(treeHash).toBe(truth.treeHash);
  return isVerified;
}

/** The files of the workspaces that are listened to here. */
export const FILES = { "a/b/f": "1", "a/g": "22", top: "333", "c/d/h": "4444", ".gitignore": "*.log\n" };

/** A workspace of {@link FILES} whose next scan need not be a verified one. */
export async function listening(source?: EventSource): Promise<WatchWorld> {
  const world = openWorld(makeFolder(FILES), source);
  await world.settle();
  return world;
}

/** The system's events, as far as `hear` tells them on. */
export function filtered(hear: (folder: string, tell: () => void, name: string | undefined) => void): EventSource {
  return {
    watch(folder, onEvent, onError) {
      const onHeard: OnEvent = (kind, name) => hear(folder, () => onEvent(kind, name), name);
      return systemEvents.watch(folder, onHeard, onError);
    },
  };
}

/** Whether it is the folder in which proofs are made. */
export const isCookie = (folder: string): boolean => folder.endsWith(".cookies");
