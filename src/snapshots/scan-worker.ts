import { parentPort } from "node:worker_threads";
import { SandboxError } from "../core/sandbox-error.ts";
import type { Manifest } from "./manifest.ts";
import { scanWorkspace } from "./scan-workspace.ts";
import type { ScanReply, ScanRequest } from "./scanner.ts";

/** By cache file: what the other side has already. */
const sent = new Map<string, Manifest>();

parentPort?.on("message", (request: ScanRequest) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's; this is a thread
  parentPort?.postMessage(answer(request));
});

function answer(request: ScanRequest): ScanReply {
  try {
    const { manifest, ...rest } = scanWorkspace(request);
    const isKnown = sent.get(request.cacheFile) === manifest;
    sent.set(request.cacheFile, manifest);
    return { ok: true, manifest: isKnown ? "as before" : manifest, rest };
  } catch (error) {
    if (error instanceof SandboxError) return { ok: false, error: { code: error.code, message: error.message } };
    throw error;
  }
}
