import { type ChildProcess, spawn } from "node:child_process";
import { SandboxError } from "../core/sandbox-error.ts";
import { toEngineEnv } from "./engine-env.ts";

const START_TIMEOUT_MS = 20_000;
const MAX_SAID_CHARACTERS = 4000;
const MAX_REASON_CHARACTERS = 400;
// Node does four things on the disk at a time, of which each waits for its turn when many files are to reach it.
const FILE_THREADS = "16";

/** How to start an engine. */
export interface SpawnRequest {
  /** `dist/engine.js`, or `src/engine.ts` when run from source. */
  readonly engineFile: string;
  /** The Node that runs it: this one unless said otherwise. */
  readonly execPath?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stateRoot: string;
}

/**
 * Starts an engine that outlives this process. Resolves when it listens, or when it has found that another one does.
 * @throws {SandboxError} `unavailable` with what it said
 */
export async function spawnEngine(request: SpawnRequest): Promise<void> {
  const isElectron = process.versions["electron"] !== undefined;
  const env = {
    ...toEngineEnv(request.env, isElectron),
    SANDPIPER_STATE: request.stateRoot,
    UV_THREADPOOL_SIZE: FILE_THREADS,
  };
  const child = spawn(request.execPath ?? process.execPath, [request.engineFile], {
    detached: true,
    env,
    // Not in a folder that somebody may want to remove.
    cwd: request.stateRoot,
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  try {
    await waitUntilReady(child);
  } finally {
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.unref();
  }
}

// Of a crash, Node prints the source around it and the stack as well.
function toReason(said: string): string {
  const lines = said.trim().split("\n");
  const error = lines.find((line) => /^\w*Error\b.*: /.test(line)) ?? lines.at(-1) ?? "";
  return error.slice(0, MAX_REASON_CHARACTERS);
}

function waitUntilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (why: string): void => {
      reject(new SandboxError("unavailable", `Sandpiper's engine did not start: ${why}. ${toReason(said)}`.trim()));
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail(`it was not ready after ${START_TIMEOUT_MS / 1000} s`);
    }, START_TIMEOUT_MS);
    child.stdout?.on("data", () => {
      clearTimeout(timer);
      resolve();
    });
    child.stderr?.on("data", (data: Buffer) => {
      said = `${said}${data.toString()}`.slice(-MAX_SAID_CHARACTERS);
    });
    child.once("error", (error) => {
      clearTimeout(timer);
      fail(error.message);
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      fail(`it ended with ${signal ?? `code ${code}`}`);
    });
  });
}
