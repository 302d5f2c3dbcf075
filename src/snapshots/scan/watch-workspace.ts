import { lstatSync } from "node:fs";
import type { Watch, WatchQueue } from "./watch-queue.ts";

/** Folders where something happened -> the names that came or went there. Paths are relative to the workspace. */
export type Hints = ReadonlyMap<string, ReadonlySet<string>>;

/** The watches of one workspace. */
export interface WorkspaceWatch {
  /** Absolute, without links in it. */
  readonly root: string;
  /** Watches a folder, in the place of the one that had its path before. */
  readonly add: (path: string) => void;
  /** Why this watch is worth nothing any more: `refused` when another one would not be either. */
  state(): "whole" | "broken" | "refused";
  /** What happened since the last call; undefined when that is not known, nor ever will be of this watch. */
  take(): Promise<Hints | undefined>;
  /** Gives hints back that were taken and not acted upon. */
  putBack(hints: Hints): void;
  /** Files that changed lately, as folder -> names: whoever has one mapped may go on writing without a word. */
  readonly hot: Hints;
  close(): void;
}

/** What is in these decides about names elsewhere. */
const DECIDING_NAMES = new Set([".gitignore", ".sandboxignore", ".git"]);
const MAX_HOT_FILES = 256;

interface State {
  readonly root: string;
  readonly queue: WatchQueue;
  readonly watches: Map<string, Watch>;
  /** Watches of folders that went; they are closed with the rest: see `WatchQueue` on what closing one does. */
  readonly retired: Watch[];
  readonly pending: Map<string, Set<string>>;
  readonly hot: Map<string, Set<string>>;
  hotFiles: number;
  /** Which folder `root` was; another may take its place. */
  readonly identity: Identity;
  eventsAtProof: number;
  isBroken: boolean;
  isRefused: boolean;
}

interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Starts without any folder. Resolves with undefined when the system does not tell of changes. @throws what `lstat` does */
export async function watchWorkspace(root: string, queue: WatchQueue): Promise<WorkspaceWatch | undefined> {
  // From here on, nothing of closed watches is left in the queue.
  if (!(await queue.prove())) return undefined;
  const state: State = {
    root,
    queue,
    watches: new Map(),
    retired: [],
    pending: new Map(),
    hot: new Map(),
    hotFiles: 0,
    identity: identify(root),
    eventsAtProof: queue.countEvents(),
    isBroken: false,
    isRefused: false,
  };
  return {
    root,
    hot: state.hot,
    add: (path) => add(state, path),
    state: () => (state.isRefused ? "refused" : state.isBroken ? "broken" : "whole"),
    take: () => take(state),
    putBack: (hints) => {
      for (const [path, names] of hints) for (const name of ["", ...names]) note(state.pending, path, name);
    },
    close: () => {
      state.isBroken = true;
      for (const watch of [...state.watches.values(), ...state.retired]) watch.close();
      state.watches.clear();
      state.retired.length = 0;
    },
  };
}

function identify(folder: string): Identity {
  const { dev, ino } = lstatSync(folder, { bigint: true });
  return { dev, ino };
}

function add(state: State, path: string): void {
  const last = state.watches.get(path);
  if (last) state.retired.push(last);
  const folder = path === "" ? state.root : `${state.root}/${path}`;
  try {
    // What is mounted here may be of a kind that tells of nothing.
    if (identify(folder).dev !== state.identity.dev) throw new Error("another file system");
    const watch = state.queue.watch(
      folder,
      (kind, name) => hear(state, { path, kind, name }),
      () => (state.isBroken = true),
    );
    state.watches.set(path, watch);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    // Nobody can look into such a folder either, or it is gone; the one above tells when that changes.
    if (["EACCES", "ENOENT", "ENOTDIR", "ELOOP"].includes(code)) return;
    state.isBroken = true;
    state.isRefused = true;
  }
}

interface Heard {
  readonly path: string;
  readonly kind: "change" | "rename";
  readonly name: string | undefined;
}

function hear(state: State, { path, kind, name }: Heard): void {
  if (name === undefined || DECIDING_NAMES.has(name)) {
    state.isBroken = true;
    return;
  }
  note(state.pending, path, kind === "rename" ? name : "");
  if (state.hot.get(path)?.has(name)) return;
  if (state.hotFiles >= MAX_HOT_FILES) {
    state.hot.clear();
    state.hotFiles = 0;
  }
  note(state.hot, path, name);
  state.hotFiles++;
}

function note(hints: Map<string, Set<string>>, path: string, name: string): void {
  const names = hints.get(path) ?? new Set();
  hints.set(path, names.add(name));
}

async function take(state: State): Promise<Hints | undefined> {
  const { queue } = state;
  if (!state.isBroken && !(await queue.prove())) state.isBroken = true;
  if (!state.isBroken && queue.isTooMany(queue.countEvents() - state.eventsAtProof)) state.isBroken = true;
  if (!state.isBroken && !isInPlace(state)) state.isBroken = true;
  if (state.isBroken) return undefined;
  state.eventsAtProof = queue.countEvents();
  const hints = new Map(state.pending);
  state.pending.clear();
  return hints;
}

function isInPlace({ root, identity }: State): boolean {
  try {
    const { dev, ino } = identify(root);
    return dev === identity.dev && ino === identity.ino;
  } catch {
    return false;
  }
}
