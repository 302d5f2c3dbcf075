import type { Sandbox as SdkSandbox } from "@e2b/code-interpreter";
import { startProgram } from "./start-program.ts";

/** Most of a helper's output that is kept. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** Runs a short command of ours as root, without input, to its end. Returns what it wrote to stdout. */
export async function runHelper(sandbox: SdkSandbox, argv: readonly string[], signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const cutting = new AbortController();
  const cut = AbortSignal.any([signal, cutting.signal]);
  try {
    const { output } = await startProgram(sandbox, { argv, user: "root", hasInput: false }, cut);
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for (let next = await output.next(); !next.done; next = await output.next()) {
      const { stream, bytes } = next.value;
      if (stream !== "stdout" || sizeBytes > MAX_OUTPUT_BYTES) continue;
      chunks.push(bytes);
      sizeBytes += bytes.byteLength;
    }
    return Buffer.concat(chunks).toString("utf8");
  } finally {
    cutting.abort();
  }
}
