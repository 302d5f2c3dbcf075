import { expect } from "vitest";
import type { Call } from "../../src/core/call.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { Command, ExitStatus, Process, Sandbox } from "../../src/core/sandbox.ts";

/** A call that nobody aborts but the clock. */
export function newCall(timeoutMs = 55_000): Call {
  return { signal: AbortSignal.timeout(timeoutMs), logger: silentLogger };
}

export async function toArray<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function collectText(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await toArray(stream)).toString("utf8");
}

interface Ended {
  readonly process: Process;
  readonly stdout: string;
  readonly stderr: string;
  readonly status: ExitStatus;
}

/** Runs a command with no input until it ends. */
export async function runToEnd(
  sandbox: Sandbox,
  argv: readonly string[],
  command: Omit<Command, "argv"> = {},
): Promise<Ended> {
  const process = await sandbox.exec({ argv, ...command }, newCall());
  await process.closeStdin();
  const [stdout, stderr] = await Promise.all([collectText(process.stdout), collectText(process.stderr)]);
  return { process, stdout, stderr, status: await process.exit };
}

/** A command whose output so far can be looked at while it runs. */
export interface Running {
  readonly process: Process;
  /** stdout so far. */
  readonly text: () => string;
}

export async function startText(
  sandbox: Sandbox,
  argv: readonly string[],
  { call = newCall(), ...command }: Omit<Command, "argv"> & { readonly call?: Call } = {},
): Promise<Running> {
  const process = await sandbox.exec({ argv, ...command }, call);
  let text = "";
  void (async () => {
    for await (const chunk of process.stdout) text += Buffer.from(chunk).toString("utf8");
  })();
  void collectText(process.stderr);
  return { process, text: () => text };
}

export async function waitForText({ text }: Running, wanted: string | RegExp): Promise<void> {
  await expect.poll(text, { timeout: 20_000, interval: 10 }).toMatch(wanted);
}
