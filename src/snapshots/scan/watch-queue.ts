import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What happened to a name: `rename` when it came or went. The folder itself goes by its own name. */
export type OnEvent = (kind: "change" | "rename", name: string | undefined) => void;

/** A folder being watched. */
export interface Watch {
  close(): void;
}

/** Tells what happens in folders. All folders of one source are in one queue, so that their events come in order. */
export interface EventSource {
  /** @param onError the folder is not watched any more @throws when the system gives no (more) watches */
  watch(folder: string, onEvent: OnEvent, onError: () => void): Watch;
}

/**
 * inotify, by way of `fs.watch`: one instance, and so one queue, per event loop. It keeps no loop from ending. VS Code's
 * watcher would not do: its events come 75 ms late, and in no order to a run that is asked for right after a save.
 */
export const systemEvents: EventSource = {
  watch(folder, onEvent, onError) {
    const watcher = watch(folder, { persistent: false });
    watcher.on("change", (kind, name) =>
      onEvent(kind === "rename" ? "rename" : "change", typeof name === "string" ? name : undefined),
    );
    watcher.on("error", onError);
    return watcher;
  },
};

/** How much the kernel does for us. */
export interface WatchLimits {
  /** Events that its queue holds; more are lost without a word. */
  readonly queuedEvents: number;
  /** Folders that may be watched; others need theirs too, VS Code first of all. */
  readonly watches: number;
}

/** What this user may have: a quarter of the watches. Nothing where it cannot be told. */
export function readWatchLimits(folder = "/proc/sys/fs/inotify"): WatchLimits {
  try {
    const read = (name: string): number => Number(readFileSync(join(folder, name), "utf8"));
    return { queuedEvents: read("max_queued_events"), watches: Math.floor(read("max_user_watches") / 4) };
  } catch {
    return { queuedEvents: 0, watches: 0 };
  }
}

/** Watches of one event loop. */
export interface WatchQueue {
  /** @throws when there are no more watches to have */
  watch(folder: string, onEvent: OnEvent, onError: () => void): Watch;
  /**
   * Whether all that happened before the call has been told by now. Makes a file in a folder that is watched as well and
   * waits for its event, as watchman does (https://facebook.github.io/watchman/docs/cookies): what is in the queue
   * before it has been told then.
   */
  prove(): Promise<boolean>;
  /** How many events have been told; what lies between two readings may have been lost when it `isTooMany`. */
  countEvents(): number;
  isTooMany(events: number): boolean;
}

/** What a queue is made of. */
export interface WatchQueueDeps {
  readonly source: EventSource;
  readonly limits: WatchLimits;
  /** Private to us; made when it is needed. */
  readonly cookieFolder: string;
}

const COOKIE_WAIT_MS = 100;

/** The queue of the loop that calls; one for each loop. */
export function createWatchQueue({ source, limits, cookieFolder }: WatchQueueDeps): WatchQueue {
  let events = 0;
  let watches = 0;

  const open = (folder: string, onEvent: OnEvent, onError: () => void): Watch => {
    if (watches >= limits.watches) throw new Error("There are more folders than may be watched.");
    const count: OnEvent = (kind, name) => {
      events++;
      onEvent(kind, name);
    };
    const opened = source.watch(folder, count, onError);
    watches++;
    return {
      close() {
        watches--;
        opened.close();
        // What is in the queue for a watch that is closed is dropped uncounted: nobody can tell how full the queue was.
        events += limits.queuedEvents;
      },
    };
  };
  return {
    watch: open,
    prove: createProver(cookieFolder, open),
    countEvents: () => events,
    isTooMany: (count) => count * 2 >= limits.queuedEvents,
  };
}

interface Cookie {
  readonly name: string;
  readonly resolve: (isTold: boolean) => void;
}

function createProver(folder: string, open: WatchQueue["watch"]): () => Promise<boolean> {
  let cookies: Watch | undefined;
  let awaited: Cookie | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const hear: OnEvent = (_kind, name) => {
    if (awaited?.name === name) awaited?.resolve(true);
  };
  const openCookies = (): Watch => {
    mkdirSync(folder, { recursive: true });
    return open(folder, hear, () => awaited?.resolve(false));
  };
  const prove = async (): Promise<boolean> => {
    try {
      cookies ??= openCookies();
      const isTold = await bake(folder, (cookie) => {
        awaited = cookie;
      });
      if (isTold) return true;
    } catch {
      // The folder is gone, or there is no watch to have.
    }
    cookies?.close();
    cookies = undefined;
    return false;
  };
  return () => {
    const proof = last.then(prove);
    last = proof;
    return proof;
  };
}

/** Makes a file, and resolves with whether its event came. */
async function bake(folder: string, expect: (cookie: Cookie | undefined) => void): Promise<boolean> {
  const name = randomBytes(8).toString("hex");
  const file = join(folder, name);
  let timer: NodeJS.Timeout | undefined;
  const told = new Promise<boolean>((resolve) => {
    expect({ name, resolve });
    // When the loop was busy for long, the event is there and only not read yet.
    timer = setTimeout(() => setImmediate(resolve, false), COOKIE_WAIT_MS);
  });
  try {
    writeFileSync(file, "", { flag: "wx" });
    return await told;
  } finally {
    clearTimeout(timer);
    expect(undefined);
    rmSync(file, { force: true });
  }
}
