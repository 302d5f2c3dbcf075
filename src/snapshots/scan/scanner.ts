import { Worker } from "node:worker_threads";
import type { Disposable } from "../../core/disposable-store.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import type { Manifest } from "../manifest.ts";
import { patchManifest, type TreeDelta } from "../tree-delta.ts";
import { noteTreeHash } from "../tree-hash.ts";

/** Text on screen that differs from the disk, laid over a snapshot. */
export interface Overlay {
  /** Safe, relative to the workspace. */
  readonly path: string;
  readonly text: string;
}

/** What to scan; plain data, as it crosses threads. */
export interface ScanRequest {
  /** Absolute path of the workspace. */
  readonly root: string;
  /** Where what is known from the last scan is kept; need not exist. */
  readonly cacheFile: string;
  readonly overlays: readonly Overlay[];
  /** Larger files are skipped. */
  readonly maxFileBytes: number;
  /** Whether to listen for changes from now on, so that later scans need not look at everything; see {@link Scan}. */
  readonly watch?: boolean;
}

/** A path that is on disk but not in the snapshot. */
export interface SkippedPath {
  readonly path: string;
  /** For people; reads on after the path: "it is larger than the limit". */
  readonly reason: string;
  /** `secret`: held back by its name; `rule`: an ignore file; `refused`: not safe to bring back. */
  readonly kind: "secret" | "built-in" | "rule" | "special" | "unreadable" | "too-large" | "refused";
}

/** The state of a workspace's files. */
export interface Scan {
  readonly manifest: Manifest;
  /** A folder that is left out is one row. Those that surprise come first: ignore rules last. */
  readonly skipped: readonly SkippedPath[];
  /** Worth knowing, for people: names that collide on other machines. */
  readonly notes: readonly string[];
  /** Of the files in the manifest. */
  readonly totalBytes: number;
  /** As `toTreeHash` of the manifest. */
  readonly treeHash: string;
  /**
   * Whether everything was looked at. Otherwise only what the system's file watcher told of was: that is Linux, where
   * `watch` was asked for, less than a minute after the last full look. Elsewhere every scan is verified.
   */
  readonly isVerified: boolean;
}

/** Takes snapshots off the main thread. Scans run one after the other. */
export interface Scanner extends Disposable {
  /** Rejects with `signal.reason` when aborted. @throws {SandboxError} when the workspace cannot be read */
  scan(request: ScanRequest, signal: AbortSignal): Promise<Scan>;
}

/** What the worker answers. */
export type ScanReply =
  | { readonly ok: true; readonly scan: ScanNews }
  | { readonly ok: false; readonly error: Pick<SandboxError, "code" | "message"> };

/** A scan as told to who knows the last one of that cache file: taking 27,000 entries apart and together costs 40 ms. */
export interface ScanNews extends Omit<Scan, "manifest" | "skipped"> {
  readonly manifest: Manifest | { readonly delta: TreeDelta } | "as before";
  readonly skipped: readonly SkippedPath[] | "as before";
}

/** A thread, and what it has told us so far. */
interface ScanThread {
  readonly worker: Worker;
  /** By cache file. */
  readonly scans: Map<string, Scan>;
}

/** @param workerUrl `scan-worker.ts` beside this file, or what it is bundled to */
export function createScanner(workerUrl: URL): Scanner {
  let thread: ScanThread | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const start = (): ScanThread => {
    const started = startThread(workerUrl);
    started.worker.once("exit", () => {
      if (thread === started) thread = undefined;
    });
    return started;
  };
  const end = async (): Promise<void> => {
    const ending = thread;
    thread = undefined;
    await ending?.worker.terminate();
  };
  const ask = async (request: ScanRequest, signal: AbortSignal): Promise<Scan> => {
    signal.throwIfAborted();
    thread ??= start();
    const asked = thread;
    const reply = await askWorker(asked.worker, request, signal).catch(async (error: unknown) => {
      // A scan is synchronous: only the end of its thread stops it, and the answer that nobody waits for any more.
      await end();
      throw error instanceof WorkerEnded ? toSandboxError(error) : error;
    });
    return toScan(asked, request, reply);
  };
  return {
    scan(request, signal) {
      const scan = last.then(() => ask(request, signal));
      last = scan.catch(() => {});
      return scan;
    },
    dispose: end,
  };
}

/** The thread ended without an answer; its cause is what it threw. */
class WorkerEnded extends Error {
  constructor(cause: unknown) {
    super("The scan ended early.", { cause });
  }
}

function toSandboxError({ cause }: WorkerEnded): SandboxError {
  return new SandboxError("unavailable", `The scan of the workspace failed: ${toMessage(cause)}. Try again.`, {
    cause,
  });
}

function startThread(url: URL): ScanThread {
  // Where git keeps the user's own ignore rules. Nothing else of the environment or of the flags (an inspector's port)
  // is its business.
  const { XDG_CONFIG_HOME: configHome } = process.env;
  const worker = new Worker(url, { env: configHome ? { XDG_CONFIG_HOME: configHome } : {}, execArgv: [] });
  worker.unref();
  // One that comes while nobody asks anything is told of by the end of the thread.
  worker.on("error", () => {});
  return { worker, scans: new Map() };
}

function askWorker(worker: Worker, request: ScanRequest, signal: AbortSignal): Promise<ScanReply> {
  const { promise, resolve, reject } = withResolvers<ScanReply>();
  const onAbort = (): void => reject(signal.reason);
  const onError = (cause: unknown): void => reject(new WorkerEnded(cause));
  const onExit = (): void => reject(new WorkerEnded("its thread ended"));
  signal.addEventListener("abort", onAbort);
  worker.on("message", resolve).on("error", onError).on("exit", onExit).ref();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's; this is a thread
  worker.postMessage(request);
  return promise.finally(() => {
    signal.removeEventListener("abort", onAbort);
    worker.off("message", resolve).off("error", onError).off("exit", onExit).unref();
  });
}

interface Resolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** As Promise.withResolvers, which ES2023 does not have. */
function withResolvers<T>(): Resolvers<T> {
  const resolvers: { resolve: (value: T) => void; reject: (reason: unknown) => void } = { resolve() {}, reject() {} };
  const promise = new Promise<T>((resolve, reject) => Object.assign(resolvers, { resolve, reject }));
  return { promise, resolve: (value) => resolvers.resolve(value), reject: (reason) => resolvers.reject(reason) };
}

function toScan({ scans }: ScanThread, { cacheFile }: ScanRequest, reply: ScanReply): Scan {
  if (!reply.ok) throw new SandboxError(reply.error.code, reply.error.message);
  const last = scans.get(cacheFile);
  const scan = {
    ...reply.scan,
    manifest: toManifestOf(reply.scan.manifest, last),
    skipped: reply.scan.skipped === "as before" ? known(last).skipped : reply.scan.skipped,
  };
  noteTreeHash(scan.manifest, scan.treeHash);
  scans.set(cacheFile, scan);
  return scan;
}

function toManifestOf(news: ScanNews["manifest"], last: Scan | undefined): Manifest {
  if (news === "as before") return known(last).manifest;
  return "delta" in news ? patchManifest(known(last).manifest, news.delta) : news;
}

function known(last: Scan | undefined): Scan {
  if (!last) throw new Error("The thread named a scan that it never sent.");
  return last;
}
