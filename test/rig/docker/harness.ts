import { execFileSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { Call } from "../../../src/core/call.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import type { Provider, SandboxSpec } from "../../../src/core/provider.ts";
import type { ExitStatus, Process, Sandbox } from "../../../src/core/sandbox.ts";
import { createDockerProvider } from "../../../src/providers/docker/docker-provider.ts";
import { TEST_SOCKET, type TestDaemon, startTestDaemon } from "./daemon.ts";
import { TEST_IMAGE, ensureTestImages } from "./test-image.ts";

let current: TestDaemon | undefined;
const made: Sandbox[] = [];

/** Gives the tests of a file a daemon with the test images; destroys after each test what `newSandbox` made. */
export function useTestDaemon(): void {
  beforeAll(async () => {
    current = await startTestDaemon();
    await ensureTestImages(current.socketPath);
  });
  afterEach(destroyAll);
  afterAll(() => current?.stop());
}

/** For tests that have to look at, or take down, what comes after. */
export async function destroyAll(): Promise<void> {
  await Promise.all(made.splice(0).map((sandbox) => sandbox.destroy(newCall())));
}

/** The daemon of {@link useTestDaemon}. */
export function testDaemon(): TestDaemon {
  if (!current) throw new Error("useTestDaemon comes first.");
  return current;
}

export function newCall(signal: AbortSignal = AbortSignal.timeout(60_000)): Call {
  return { signal, logger: silentLogger };
}

/** A provider on the test daemon, unless the options say otherwise. */
export function newProvider(options: Record<string, string> = {}, env: NodeJS.ProcessEnv = {}): Provider {
  const host = `unix://${TEST_SOCKET}`;
  return createDockerProvider({ host, ...options }, { stateFolder: "/nonexistent", env, platform: process.platform });
}

export function newSpec(parts: Partial<SandboxSpec> = {}): SandboxSpec {
  return {
    name: "test",
    labels: { suite: "docker" },
    image: TEST_IMAGE,
    network: "none",
    memoryMiB: 256,
    cpus: 1,
    maxProcesses: 64,
    diskMiB: 256,
    lifetimeMs: 120_000,
    env: {},
    ...parts,
  };
}

export async function newSandbox(
  parts: Partial<SandboxSpec> = {},
  provider: Provider = newProvider(),
): Promise<Sandbox> {
  const sandbox = await provider.create(newSpec(parts), newCall());
  made.push(sandbox);
  return sandbox;
}

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: ExitStatus;
}

async function readText(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Reads a process to its end. */
export async function finish(process: Process): Promise<Result> {
  const streams = [readText(process.stdout), readText(process.stderr)] as const;
  const [stdout, stderr, exit] = await Promise.all([...streams, process.exit]);
  return { stdout, stderr, exit };
}

export async function run(sandbox: Sandbox, argv: readonly string[]): Promise<Result> {
  return finish(await sandbox.exec({ argv }, newCall()));
}

/** What a line for the shell prints, without the space around it. */
export async function sh(sandbox: Sandbox, script: string): Promise<string> {
  return (await run(sandbox, ["sh", "-c", script])).stdout.trim();
}

/** The docker command on the test daemon. */
export function docker(...args: string[]): string {
  return execFileSync("docker", ["--host", `unix://${testDaemon().socketPath}`, ...args], { encoding: "utf8" }).trim();
}

/** Of all states, with the label `suite`. */
export function countContainers(suite: string): number {
  const ids = docker("ps", "--all", "--quiet", "--filter", `label=sandpiper.label.suite=${suite}`);
  return ids.split("\n").filter(Boolean).length;
}

/** A message that holds `part`; typed, where vitest's matcher is any. */
export function textWith(part: string): unknown {
  return expect.stringContaining(part);
}
