import { Worker } from "node:worker_threads";
import type { Disposable } from "../core/disposable-store.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { Entry, Manifest } from "./manifest.ts";

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
}

/** Takes snapshots off the main thread. Scans run one after the other. */
export interface Scanner extends Disposable {
  /** Rejects with `signal.reason` when aborted. @throws {SandboxError} when the workspace cannot be read */
  scan(request: ScanRequest, signal: AbortSignal): Promise<Scan>;
}

/** What the worker answers. */
export type ScanReply =
  | { readonly ok: true; readonly entries: Map<string, Entry>; readonly rest: Omit<Scan, "manifest"> }
  | { readonly ok: false; readonly error: Pick<SandboxError, "code" | "message"> };

/** @param workerUrl `scan-worker.ts` beside this file, or what it is bundled to */
export function createScanner(workerUrl: URL): Scanner {
  let worker: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const end = async (): Promise<void> => {
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  };
  const ask = async (request: ScanRequest, signal: AbortSignal): Promise<Scan> => {
    signal.throwIfAborted();
    worker ??= startWorker(workerUrl);
    try {
      return toScan(await askWorker(worker, request, signal));
    } catch (error) {
      // A scan is synchronous: only the end of its thread stops it.
      if (!(error instanceof SandboxError)) await end();
      throw error instanceof WorkerEnded ? toSandboxError(error) : error;
    }
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

function startWorker(url: URL): Worker {
  // Nothing of the environment or of the flags (an inspector's port) is its business.
  const worker = new Worker(url, { env: {}, execArgv: [] });
  worker.unref();
  return worker;
}

function askWorker(worker: Worker, request: ScanRequest, signal: AbortSignal): Promise<ScanReply> {
  const listening = new AbortController();
  const reply = new Promise<ScanReply>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { signal: listening.signal });
    worker.once("message", resolve).once("error", (cause) => reject(new WorkerEnded(cause)));
    worker.once("exit", () => reject(new WorkerEnded("the thread ended"))).ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's; this is a thread
    worker.postMessage(request);
  });
  return reply.finally(() => {
    listening.abort();
    for (const event of ["message", "error", "exit"]) worker.removeAllListeners(event);
    worker.unref();
  });
}

function toScan(reply: ScanReply): Scan {
  if (!reply.ok) throw new SandboxError(reply.error.code, reply.error.message);
  return { manifest: reply.entries, ...reply.rest };
}
