import { Worker } from "node:worker_threads";
import type { Disposable } from "../../core/disposable-store.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import type { SecretMatch } from "./find-secrets.ts";

/** What to look through; plain data, as it crosses threads. */
export interface SecretRequest {
  /** Absolute path of the folder that `files` are in. */
  readonly root: string;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
  /** Contents that are not in files. */
  readonly contents: readonly Uint8Array[];
  /** Where it is kept which contents are clean; need not exist. */
  readonly cacheFile: string;
  /** Of the fingerprints. */
  readonly key: string;
}

/** What was found. */
export interface SecretVerdicts {
  /** sha-256 of a content -> what is in it; contents that are clean are not named. */
  readonly matches: ReadonlyMap<string, readonly SecretMatch[]>;
  /** Contents that the files do not have (any more). */
  readonly unread: readonly string[];
}

/** Looks for credentials off the main thread: one pattern over a large file takes its time. One request after the other. */
export interface SecretScanner extends Disposable {
  /** Rejects with `signal.reason` when aborted. @throws {SandboxError} `unavailable` */
  find(request: SecretRequest, signal: AbortSignal): Promise<SecretVerdicts>;
}

/** What the worker answers. */
export type SecretReply =
  | { readonly ok: true; readonly verdicts: SecretVerdicts }
  | { readonly ok: false; readonly message: string };

/** @param workerUrl `secret-worker.ts` beside this file, or what it is bundled to */
export function createSecretScanner(workerUrl: URL): SecretScanner {
  let worker: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const start = (): Worker => {
    // Nothing of the environment or of the flags (an inspector's port) is its business.
    const started = new Worker(workerUrl, { env: {}, execArgv: [] });
    started.unref();
    started.once("exit", () => {
      if (worker === started) worker = undefined;
    });
    return started;
  };
  const end = async (): Promise<void> => {
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  };
  const ask = async (request: SecretRequest, signal: AbortSignal): Promise<SecretVerdicts> => {
    signal.throwIfAborted();
    worker ??= start();
    try {
      return await askWorker(worker, request, signal);
    } catch (error) {
      // Only the end of its thread stops it, and the answer that nobody waits for any more.
      await end();
      if (signal.aborted) throw error;
      const message = `Files could not be looked through for credentials: ${toMessage(error)}. Try again.`;
      throw new SandboxError("unavailable", message, { cause: error });
    }
  };
  return {
    find(request, signal) {
      const found = last.then(() => ask(request, signal));
      last = found.catch(() => {});
      return found;
    },
    dispose: end,
  };
}

async function askWorker(worker: Worker, request: SecretRequest, signal: AbortSignal): Promise<SecretVerdicts> {
  const over = new AbortController();
  worker.ref();
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { signal: over.signal });
      const listeners = {
        message: (reply: SecretReply) => (reply.ok ? resolve(reply.verdicts) : reject(new Error(reply.message))),
        error: reject,
        exit: () => reject(new Error("its thread ended")),
      };
      worker.on("message", listeners.message).on("error", listeners.error).on("exit", listeners.exit);
      over.signal.addEventListener("abort", () => {
        worker.off("message", listeners.message).off("error", listeners.error).off("exit", listeners.exit);
        worker.unref();
      });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's; this is a thread
      worker.postMessage(request);
    });
  } finally {
    over.abort();
  }
}
