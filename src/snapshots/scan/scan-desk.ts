import { createBackground } from "./background.ts";
import type { FolderNode } from "./folder-node.ts";
import { readScanCache, writeScanCache } from "./scan-cache.ts";
import { toNews } from "./scan-news.ts";
import type { ScanNews, ScanRequest } from "./scanner.ts";
import { enterWorkspace, lookAtWorkspace, toView, type View } from "./scan-workspace.ts";
import type { Walk } from "./scan-tree.ts";
import { createWatchKeeper, type WatchKeeper } from "./watch-keeper.ts";
import type { WatchQueue } from "./watch-queue.ts";

/** What a thread needs that scans workspaces again and again. */
export interface ScanDeskDeps {
  readonly now: () => number;
  /** Names the code that judges names (see `readScanCache`). */
  readonly code: string;
  /** Makes the queue of the thread's watches, for a folder that is private to it. */
  readonly toQueue: (cookieFolder: string) => WatchQueue;
  /** How long after a scan to start listening: whoever asked for it has better use for the processor at first. */
  readonly listenAfterMs: number;
}

/** Scans workspaces, one call at a time, and tells only what is new since the last one of the same cache file. */
export interface ScanDesk {
  /** @throws {SandboxError} when the workspace cannot be read */
  scan(request: ScanRequest): Promise<ScanNews>;
  /** Resolves when what goes on in the background is over. */
  rest(): Promise<void>;
  close(): void;
}

const SAVE_AFTER_MS = 2_000;
const VERIFY_EVERY_MS = 30_000;
const UNUSED_AFTER_MS = 10 * 60_000;

/** What is remembered of one workspace. */
interface Memory {
  readonly cacheFile: string;
  readonly keeper: WatchKeeper;
  onDisk: FolderNode | undefined;
  /** What the last scan asked for. */
  walk: Walk | undefined;
  told: View | undefined;
  saving: NodeJS.Timeout | undefined;
  starting: NodeJS.Timeout | undefined;
  listenAtMs: number | undefined;
  usedAtMs: number;
}

/** Makes the desk of one thread. */
export function createScanDesk({ now, code, toQueue, listenAfterMs }: ScanDeskDeps): ScanDesk {
  const memories = new Map<string, Memory>();
  const background = createBackground();
  let queue: WatchQueue | undefined;

  const recall = (cacheFile: string): Memory => {
    queue ??= toQueue(`${cacheFile}.cookies`);
    const memory = memories.get(cacheFile) ?? startMemory(cacheFile, createWatchKeeper(queue, now), code);
    memories.set(cacheFile, memory);
    return memory;
  };
  const keep = (memory: Memory, onDisk: FolderNode | undefined): void => {
    if (!onDisk || onDisk === memory.onDisk) return;
    memory.onDisk = onDisk;
    // After the answer, and once for several scans in a row.
    memory.saving ??= setTimeout(save, SAVE_AFTER_MS, memory, code).unref();
  };
  const start = (memory: Memory, task: "listen" | "verify"): void =>
    background.start(async (isWaiting) => {
      const { walk, onDisk, keeper } = memory;
      if (walk && onDisk) keep(memory, await keeper[task](walk, onDisk, isWaiting));
    });
  const listenSoon = (memory: Memory): void => {
    clearTimeout(memory.starting);
    memory.listenAtMs = memory.keeper.mayListen() ? (memory.listenAtMs ?? now() + listenAfterMs) : undefined;
    if (memory.listenAtMs === undefined) return;
    const waitMs = memory.listenAtMs - now();
    if (waitMs <= 0) start(memory, "listen");
    else memory.starting = setTimeout(start, waitMs, memory, "listen").unref();
  };
  const tend = (memory: Memory): void => {
    if (now() - memory.usedAtMs > UNUSED_AFTER_MS) memory.keeper.close();
    else if (memory.keeper.isListening()) start(memory, "verify");
  };
  const timer = setInterval(() => memories.forEach(tend), VERIFY_EVERY_MS).unref();

  return {
    scan: (request) =>
      background.pause(async () => {
        const memory = recall(request.cacheFile);
        memory.usedAtMs = now();
        const { onDisk, isVerified } = await look(memory, request, now);
        keep(memory, onDisk);
        if (request.watch) listenSoon(memory);
        return { ...tell(memory, request, onDisk), isVerified };
      }),
    rest: () => background.rest(),
    close() {
      clearInterval(timer);
      memories.forEach(end);
    },
  };
}

function save(memory: Memory, code: string): void {
  memory.saving = undefined;
  if (memory.onDisk) writeScanCache(memory.cacheFile, memory.onDisk, code);
}

function startMemory(cacheFile: string, keeper: WatchKeeper, code: string): Memory {
  const onDisk = readScanCache(cacheFile, code);
  const timers = { saving: undefined, starting: undefined };
  return { cacheFile, keeper, onDisk, walk: undefined, told: undefined, usedAtMs: 0, listenAtMs: undefined, ...timers };
}

function end({ keeper, saving, starting }: Memory): void {
  keeper.close();
  clearTimeout(saving);
  clearTimeout(starting);
}

function tell(memory: Memory, request: ScanRequest, onDisk: FolderNode): Omit<ScanNews, "isVerified"> {
  const view = toView(request, onDisk);
  const news = toNews(memory.told, view);
  memory.told = view;
  return { ...news, notes: [...news.notes, ...memory.keeper.notes()] };
}

/** Looks where something happened, or at everything where that does not do. */
async function look(
  memory: Memory,
  request: ScanRequest,
  now: () => number,
): Promise<{ onDisk: FolderNode; isVerified: boolean }> {
  const { keeper, walk: last, onDisk: known } = memory;
  const walk = enterWorkspace(request, now);
  const hinted = known && (await keeper.hint(walk, known));
  const isSame = hinted !== undefined && isSameWalk(walk, last);
  if (isSame && request.watch && keeper.isVerifiedLately()) return { onDisk: hinted, isVerified: false };
  const onDisk = lookAtWorkspace(request, walk, hinted ?? known);
  memory.walk = walk;
  if (isSame) await keeper.confirm(walk, hinted, onDisk);
  return { onDisk, isVerified: true };
}

function isSameWalk(a: Walk, b: Walk | undefined): boolean {
  return a.root === b?.root && a.maxFileBytes === b.maxFileBytes;
}
