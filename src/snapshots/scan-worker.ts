import { parentPort } from "node:worker_threads";
import { SandboxError } from "../core/sandbox-error.ts";
import { scanWorkspace } from "./scan-workspace.ts";
import type { ScanReply, ScanRequest } from "./scanner.ts";

parentPort?.on("message", (request: ScanRequest) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's; this is a thread
  parentPort?.postMessage(answer(request));
});

function answer(request: ScanRequest): ScanReply {
  try {
    const { manifest, ...rest } = scanWorkspace(request);
    return { ok: true, entries: new Map(manifest), rest };
  } catch (error) {
    if (error instanceof SandboxError) return { ok: false, error: { code: error.code, message: error.message } };
    throw error;
  }
}
