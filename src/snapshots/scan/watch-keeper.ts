import { setImmediate } from "node:timers/promises";
import { toDisplay } from "../../core/workspace-path.ts";
import { isToldOf } from "./folder-listing.ts";
import type { FolderNode } from "./folder-node.ts";
import type { Walk } from "./scan-tree.ts";
import { findPlaces, findUntold, lookAgain, lookAtAll } from "./watch-look.ts";
import type { WatchQueue } from "./watch-queue.ts";
import { watchWorkspace, type WorkspaceWatch } from "./watch-workspace.ts";

/**
 * Listens for changes in one workspace, so that a scan need look only where something happened. What that rests on: the
 * kernel tells of every change that is made through a path, in one queue, and a proof before each scan shows that the
 * queue has been read. It does not tell of a change through a mapping of the file (looked for in files that changed
 * lately), through another name of it (looked for in files that have some; one made outside of the workspace after the
 * last full look is not known of), nor of a file system mounted over a folder. For those there is a full look every now
 * and then in the background, and once a minute at the latest: until then such a change can be missed. Once that finds
 * what nothing told of, this watcher is not believed any more.
 */
export interface WatchKeeper {
  /** The tree as it is now; undefined when only a look at everything will do. */
  hint(walk: Walk, onDisk: FolderNode): Promise<FolderNode | undefined>;
  /** Whether the last look at everything is lately enough for a hint to do. */
  isVerifiedLately(): boolean;
  /** Compares what a hint came to with a look at everything right after it. */
  confirm(walk: Walk, hinted: FolderNode, verified: FolderNode): Promise<void>;
  /**
   * Starts listening, which takes a full look: a little at a time, or in one go once somebody waits, for whom it is as
   * good as one of his own. Resolves with the tree as it is then; undefined when that did not work.
   */
  listen(walk: Walk, onDisk: FolderNode, isWaiting: () => boolean): Promise<FolderNode | undefined>;
  /** Looks at everything, a little at a time until somebody waits. Resolves with the tree as far as hints lead. */
  verify(walk: Walk, onDisk: FolderNode, isWaiting: () => boolean): Promise<FolderNode | undefined>;
  isListening(): boolean;
  /** Whether `listen` may be tried (again). */
  mayListen(): boolean;
  /** Why hints are not believed any more, for people. */
  notes(): readonly string[];
  close(): void;
}

const MAX_AGE_MS = 60_000;
const SLICE_MS = 8;

interface State {
  readonly queue: WatchQueue;
  readonly now: () => number;
  watch: WorkspaceWatch | undefined;
  verifiedAtMs: number;
  /** Whether the system gave no watch where it should have. */
  isRefused: boolean;
  untold: string | undefined;
}

/** Makes the keeper of one workspace. */
export function createWatchKeeper(queue: WatchQueue, now: () => number): WatchKeeper {
  const state: State = { queue, now, watch: undefined, verifiedAtMs: 0, isRefused: false, untold: undefined };
  return {
    hint: (walk, onDisk) => hint(state, walk, onDisk),
    isVerifiedLately: () => Math.abs(now() - state.verifiedAtMs) < MAX_AGE_MS,
    confirm: (walk, hinted, verified) => confirm(state, walk, hinted, verified),
    listen: (walk, onDisk, isWaiting) => listen(state, walk, onDisk, isWaiting),
    verify: (walk, onDisk, isWaiting) => verify(state, walk, onDisk, isWaiting),
    isListening: () => state.watch !== undefined,
    mayListen: () => mayListen(state),
    notes: () => (state.untold === undefined ? [] : [toNote(state.untold)]),
    close: () => close(state),
  };
}

function mayListen({ watch, isRefused, untold }: State): boolean {
  return watch === undefined && !isRefused && untold === undefined;
}

function toNote(path: string): string {
  return `the system did not tell of a change to ${toDisplay(path)}: from now on every scan looks at all files`;
}

function close(state: State): void {
  state.watch?.close();
  state.watch = undefined;
}

/** Undefined for what could not be looked at: a folder went at that moment. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

async function hint(state: State, walk: Walk, onDisk: FolderNode): Promise<FolderNode | undefined> {
  const { watch } = state;
  const hints = watch?.root === walk.root ? await watch.take() : undefined;
  const found = watch && hints && attempt(() => lookAgain({ ...walk, onEnter: watch.add }, onDisk, hints, watch.hot));
  if (found && watch.state() === "whole") return found;
  // Events were lost; or new rules let folders in that nobody has listened to.
  end(state);
  return undefined;
}

function end(state: State): void {
  if (state.watch?.state() === "refused") state.isRefused = true;
  close(state);
}

async function confirm(state: State, walk: Walk, hinted: FolderNode, verified: FolderNode): Promise<void> {
  const { watch } = state;
  const meanwhile = await watch?.take();
  if (!watch || !meanwhile) return end(state);
  const places = attempt(() => findPlaces(walk, hinted, meanwhile, watch.hot));
  state.untold = places && findUntold(hinted, verified, places, meanwhile);
  if (!places || state.untold !== undefined) return end(state);
  watch.putBack(meanwhile);
  state.verifiedAtMs = state.now();
}

async function listen(
  state: State,
  walk: Walk,
  onDisk: FolderNode,
  isWaiting: () => boolean,
): Promise<FolderNode | undefined> {
  if (!isToldOf(walk.root)) state.isRefused = true;
  const startedAtMs = state.now();
  const watch = mayListen(state) ? await watchWorkspace(walk.root, state.queue) : undefined;
  if (!watch) return undefined;
  state.watch = watch;
  const isOver = (): boolean => watch.state() !== "whole";
  const found = await takeSteps(lookAtAll({ ...walk, onEnter: watch.add }, onDisk), isWaiting, isOver);
  if (!found || watch.state() !== "whole") {
    end(state);
    return undefined;
  }
  state.verifiedAtMs = startedAtMs;
  return found;
}

async function verify(
  state: State,
  walk: Walk,
  onDisk: FolderNode,
  isWaiting: () => boolean,
): Promise<FolderNode | undefined> {
  const hinted = await hint(state, walk, onDisk);
  const found = hinted && (await takeSteps(lookAtAll(walk, hinted), isWaiting, isWaiting));
  if (!found) return hinted;
  await confirm(state, walk, hinted, found);
  return found;
}

/** Lets the loop turn every now and then, unless somebody waits. Undefined when it is over, or a folder went meanwhile. */
async function takeSteps(
  steps: Generator<void, FolderNode>,
  isWaiting: () => boolean,
  isOver: () => boolean,
): Promise<FolderNode | undefined> {
  while (!isOver()) {
    const untilMs = performance.now() + SLICE_MS;
    while (performance.now() < untilMs) {
      const step = attempt(() => steps.next());
      if (!step) return undefined;
      if (step.done) return step.value;
    }
    if (!isWaiting()) await setImmediate();
  }
  return undefined;
}
