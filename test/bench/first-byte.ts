import { execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../../scripts/setup/paths.mjs";
import manifest from "../../package.json" with { type: "json" };
import { connectEngine } from "../../src/host/connect-engine.ts";
import type { ConnectedEngine } from "../../src/host/engine-client.ts";
import { DEFAULT_MAX_FILE_MIB, DEFAULT_MAX_UPLOAD_MIB, DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { Target } from "../../src/sessions/records.ts";
import { toStateFolder } from "../../src/sessions/state-folder.ts";
import { startTestDaemon } from "../rig/docker/daemon.ts";
import { ensureTestImages, TEST_IMAGE } from "../rig/docker/test-image.ts";
import { whyUnmet } from "../rig/needs.ts";
import { stopEngine } from "../rig/stop-engine.ts";
import { copySample, makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { measureInTurn, type Subject } from "./statistics.ts";

const exec = promisify(execFile);
const SCRIPT = "first.sh";

/** Milliseconds of each round. */
export interface Timed {
  readonly name: string;
  readonly ms: readonly number[];
}

/** What was measured in turn with each other. */
export interface Pair {
  readonly plain: Timed;
  readonly ours: Timed;
}

/**
 * Milliseconds from asking for a run of a script to the first byte that it prints, in a session that is warm, beside the
 * ways that do less: a plain process, and `docker exec`. Ours includes the scan of the workspace and the push.
 */
export async function measureFirstByte(rounds: number): Promise<readonly Pair[]> {
  const folder = makeTempFolder();
  const state = toStateFolder({ SANDPIPER_STATE: join(folder, "state") });
  const workspace = copySample(folder);
  writeFileSync(join(workspace, SCRIPT), "echo first\n");
  const docker = (await whyUnmet("docker")) === undefined ? await startDocker() : undefined;
  try {
    const env = { ...process.env, SANDPIPER_STATE: state.root };
    const engineFile = join(root, "dist/engine.js");
    const engine = await connectEngine({ state, version: manifest.version, role: "bench", engineFile, env });
    const pairs = [
      await measurePair(
        ["plain process", () => timeProcess("sh", [join(workspace, SCRIPT)])],
        ["sandpiper, local", () => timeRun(engine, workspace, DEFAULT_TARGET)],
        rounds,
      ),
    ];
    if (docker) {
      const args = ["--host", docker.host, "exec", docker.container, "sh", "-c", "echo first"];
      const target: Target = {
        ...DEFAULT_TARGET,
        providerId: "docker",
        image: TEST_IMAGE,
        options: { host: docker.host },
      };
      pairs.push(
        await measurePair(
          ["docker exec", () => timeProcess("docker", args)],
          ["sandpiper, docker", () => timeRun(engine, workspace, target)],
          rounds,
        ),
      );
    }
    for (const { id } of await engine.listSessions()) await engine.destroySession(id);
    await engine.dispose();
    return pairs;
  } finally {
    await stopEngine(state.root);
    await docker?.stop();
    removeFolder(folder);
  }
}

async function measurePair(
  plain: readonly [string, Subject],
  ours: readonly [string, Subject],
  rounds: number,
): Promise<Pair> {
  const [plainMs, oursMs] = await measureInTurn([plain[1], ours[1]], rounds);
  return { plain: { name: plain[0], ms: plainMs ?? [] }, ours: { name: ours[0], ms: oursMs ?? [] } };
}

function timeProcess(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    let ms = 0;
    child.stdout.once("data", () => {
      ms = performance.now() - startedAt;
    });
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(ms) : reject(new Error(`${program} ended with ${code}`))));
  });
}

/** To the event that says that output can be read; then waits for the end, so that runs don't meet. */
async function timeRun(engine: ConnectedEngine, workspaceRoot: string, target: Target): Promise<number> {
  let ms = 0;
  let listener: { dispose(): void | Promise<void> } | undefined;
  const startedAt = performance.now();
  const ended = new Promise<void>((resolve, reject) => {
    listener = engine.onDidChange((event) => {
      if (event.type === "output" && ms === 0) ms = performance.now() - startedAt;
      if (event.type !== "run" || event.run.state !== "ended") return;
      if (event.run.error) reject(new Error(event.run.error.message));
      else resolve();
    });
  });
  try {
    await engine.startRun({
      workspaceRoot,
      target,
      command: { kind: "file", path: SCRIPT, args: [] },
      overlays: [],
      languages: {},
      env: {},
      timeoutMs: 60_000,
      origin: "bench",
      stopOnDisconnect: true,
      pull: true,
      maxFileMiB: DEFAULT_MAX_FILE_MIB,
      maxUploadMiB: DEFAULT_MAX_UPLOAD_MIB,
      allowedSecrets: [],
    });
    await ended;
  } finally {
    await listener?.dispose();
  }
  return ms;
}

interface RunningDocker {
  readonly host: string;
  readonly container: string;
  stop(): Promise<void>;
}

async function startDocker(): Promise<RunningDocker> {
  const daemon = await startTestDaemon();
  await ensureTestImages(daemon.socketPath);
  const host = `unix://${daemon.socketPath}`;
  const run = ["run", "--detach", "--rm", "--network", "none", "--entrypoint", "sleep", TEST_IMAGE, "900"];
  const { stdout } = await exec("docker", ["--host", host, ...run]);
  const container = stdout.trim();
  return {
    host,
    container,
    stop: async () => {
      await exec("docker", ["--host", host, "rm", "--force", container]);
      await daemon.stop();
    },
  };
}
