import { parentPort } from "node:worker_threads";
import { toMessage } from "../../core/sandbox-error.ts";
import { createSecretDesk } from "./secret-desk.ts";
import type { SecretReply, SecretRequest } from "./secret-scanner.ts";

const look = createSecretDesk();

parentPort?.on("message", (request: SecretRequest) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's; this is a thread
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});

async function answer(request: SecretRequest): Promise<SecretReply> {
  try {
    return { ok: true, verdicts: await look(request) };
  } catch (error) {
    return { ok: false, message: toMessage(error) };
  }
}
