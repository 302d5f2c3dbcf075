import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/setup/paths.mjs";
import manifest from "../../package.json" with { type: "json" };
import { connectEngine } from "../../src/host/connect-engine.ts";
import type { ConnectedEngine } from "../../src/host/engine-client.ts";
import { DEFAULT_MAX_FILE_MIB, DEFAULT_MAX_UPLOAD_MIB } from "../../src/sessions/default-target.ts";
import type { RunCommand, RunRecord, RunRequest, Target } from "../../src/sessions/records.ts";
import { readRunLog } from "../../src/sessions/run-log-reader.ts";
import { type StateFolder, toRunFolder, toStateFolder } from "../../src/sessions/state-folder.ts";
import { findEngine, stopEngine } from "../rig/stop-engine.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";

/** What to run, and where. */
export interface BenchRun {
  readonly workspaceRoot: string;
  readonly target: Target;
  readonly command: RunCommand;
  readonly pull?: boolean;
}

/** The bundled engine in its own process, with a state of its own. */
export interface BenchEngine {
  readonly engine: ConnectedEngine;
  /** Milliseconds from asking to the event that says that output can be read; resolves when the run has ended. */
  timeRun(run: BenchRun): Promise<number>;
  /** All that the run printed. */
  readOutput(run: BenchRun): Promise<string>;
  /** Ends its sandboxes, so that the next run needs a new one. */
  endSessions(): Promise<void>;
  /** The most that its process has had resident so far. */
  readPeakKb(): number;
  /** Ends its sandboxes, then the engine itself. */
  stop(): Promise<void>;
}

/** @param variables on top of the environment of this process */
export async function startBenchEngine(variables: Readonly<Record<string, string>> = {}): Promise<BenchEngine> {
  const folder = makeTempFolder();
  const state = toStateFolder({ SANDPIPER_STATE: join(folder, "state") });
  const env = { ...process.env, ...variables, SANDPIPER_STATE: state.root };
  const engineFile = join(root, "dist/engine.js");
  const engine = await connectEngine({ state, version: manifest.version, role: "bench", engineFile, env });
  const endSessions = async (): Promise<void> => {
    for (const { id, state: now } of await engine.listSessions()) if (now !== "ended") await engine.destroySession(id);
  };
  return {
    engine,
    timeRun: async (run) => (await runToEnd(engine, run)).firstByteMs,
    readOutput: async (run) => readOutput(state, (await runToEnd(engine, run)).record),
    endSessions,
    readPeakKb: () => readPeakKb(state.root),
    stop: async () => {
      try {
        await endSessions();
        await engine.dispose();
      } finally {
        await stopEngine(state.root);
        removeFolder(folder);
      }
    },
  };
}

function readPeakKb(stateRoot: string): number {
  const pid = findEngine(stateRoot);
  if (pid === undefined) throw new Error("The engine's process is not there.");
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

interface Ended {
  readonly record: RunRecord;
  readonly firstByteMs: number;
}

async function runToEnd(engine: ConnectedEngine, run: BenchRun): Promise<Ended> {
  let firstByteMs = 0;
  let listener: { dispose(): void | Promise<void> } | undefined;
  const startedAt = performance.now();
  const ended = new Promise<RunRecord>((resolve, reject) => {
    listener = engine.onDidChange((event) => {
      if (event.type === "output" && firstByteMs === 0) firstByteMs = performance.now() - startedAt;
      if (event.type !== "run" || event.run.state !== "ended") return;
      if (event.run.error) reject(new Error(event.run.error.message));
      else resolve(event.run);
    });
  });
  // A run that is refused leaves this one with nobody who waits for it.
  ended.catch(() => undefined);
  try {
    await engine.startRun(toBenchRequest(run));
    return { record: await ended, firstByteMs };
  } finally {
    await listener?.dispose();
  }
}

/** The same for whatever else the engine is asked. */
export function toBenchRequest({ workspaceRoot, target, command, pull = true }: BenchRun): RunRequest {
  return {
    workspaceRoot,
    target,
    command,
    overlays: [],
    languages: {},
    env: {},
    timeoutMs: 120_000,
    origin: "bench",
    stopOnDisconnect: true,
    pull,
    maxFileMiB: DEFAULT_MAX_FILE_MIB,
    maxUploadMiB: DEFAULT_MAX_UPLOAD_MIB,
    allowedSecrets: [],
  };
}

async function readOutput(state: StateFolder, { id }: RunRecord): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const { data } of readRunLog(toRunFolder(state, id))) parts.push(data);
  return Buffer.concat(parts).toString();
}
