import { parentPort } from "node:worker_threads";
import { SandboxError } from "../../core/sandbox-error.ts";
import { readCode } from "./scan-code.ts";
import { createScanDesk } from "./scan-desk.ts";
import { createWatchQueue, readWatchLimits, systemEvents } from "./watch-queue.ts";
import type { ScanReply, ScanRequest } from "./scanner.ts";

const desk = createScanDesk({
  now: Date.now,
  code: readCode(import.meta.url),
  listenAfterMs: 1_000,
  toQueue: (cookieFolder) => createWatchQueue({ source: systemEvents, limits: readWatchLimits(), cookieFolder }),
});

parentPort?.on("message", (request: ScanRequest) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's; this is a thread
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});

async function answer(request: ScanRequest): Promise<ScanReply> {
  try {
    return { ok: true, scan: await desk.scan(request) };
  } catch (error) {
    if (error instanceof SandboxError) return { ok: false, error: { code: error.code, message: error.message } };
    throw error;
  }
}
