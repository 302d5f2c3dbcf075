import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { readOwnVersion } from "../../src/cli/own-version.ts";
import { connectEngine } from "../../src/host/connect-engine.ts";
import type { ConnectedEngine } from "../../src/host/engine-client.ts";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { RunRecord, RunRequest, Target } from "../../src/sessions/records.ts";
import { toStateFolder } from "../../src/sessions/state-folder.ts";

const CLI_URL = new URL("../../src/cli.ts", import.meta.url).href;
const CLI = fileURLToPath(CLI_URL);
const ENGINE = fileURLToPath(new URL("../../src/engine.ts", import.meta.url));

/** What a call of the command line came to. */
export interface Said {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly ms: number;
}

/** How to call it. */
export interface SayOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Program and arguments in front: puts the call, and the engine it starts, into a world of their own. */
  readonly inside?: readonly string[];
  /** Called with the process once the command has said something. */
  readonly onOutput?: (child: ChildProcess) => void;
  /** Takes the output instead of keeping it. */
  readonly onData?: (data: Buffer) => void;
}

/** A user of the command line: a home, a state folder and a workspace of its own, on the real engine and real sandboxes. */
export class Door {
  readonly folder: string;
  readonly workspace: string;
  readonly state: string;
  readonly #clients: ConnectedEngine[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.workspace = join(folder, "workspace");
    this.state = join(folder, "state");
  }

  static async open(): Promise<Door> {
    const door = new Door(await realpath(await mkdtemp(join(tmpdir(), "sp-bad-"))));
    await mkdir(join(door.workspace, ".git"), { recursive: true });
    return door;
  }

  /** Runs the command line to its end. */
  async say(args: readonly string[], options: SayOptions = {}): Promise<Said> {
    const [program = "", ...rest] = [...(options.inside ?? []), process.execPath, CLI, ...args];
    const started = performance.now();
    const child = spawn(program, rest, {
      cwd: options.cwd ?? this.workspace,
      env: { PATH: process.env["PATH"], HOME: this.folder, SANDPIPER_STATE: this.state, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    let stderr = "";
    let hasSaid = false;
    child.stdout.on("data", (data: Buffer) => {
      if (!hasSaid) options.onOutput?.(child);
      hasSaid = true;
      if (options.onData) options.onData(data);
      else stdout.push(data);
    });
    child.stderr.on("data", (data: Buffer) => {
      stderr += data.toString();
    });
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) =>
        resolve({ code, stdout: Buffer.concat(stdout), stderr, ms: performance.now() - started }),
      );
    });
  }

  /** Runs a line for the shell in the sandbox. */
  async run(line: string, ...options: readonly string[]): Promise<Said> {
    return await this.say(["run", ...options, "--", "sh", "-c", line]);
  }

  /** The newest run as it is on record. */
  async lastRun(): Promise<RunRecord> {
    const [run] = await (await this.connect()).listRuns();
    if (!run) throw new Error("There is no run on record.");
    return run;
  }

  /** What the newest run changed, a line each. */
  async changes(): Promise<readonly string[]> {
    const { stdout } = await this.say(["changes", "last"]);
    return stdout.toString().split("\n").filter(Boolean);
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.workspace, path)), { recursive: true });
    await writeFile(join(this.workspace, path), content);
  }

  async read(path: string): Promise<string> {
    return await readFile(join(this.workspace, path), "utf8");
  }

  has(path: string): boolean {
    return existsSync(join(this.workspace, path));
  }

  /** For limits that the command line has no option for. */
  async connect(): Promise<ConnectedEngine> {
    const state = toStateFolder({ SANDPIPER_STATE: this.state });
    const env = { PATH: process.env["PATH"], HOME: this.folder };
    const client = await connectEngine({
      state,
      version: readOwnVersion(CLI_URL),
      role: "test",
      engineFile: ENGINE,
      env,
    });
    this.#clients.push(client);
    return client;
  }

  /** Runs a line under other limits than the usual; resolves with the run as it ended. */
  async runLimited(line: string, limits: Partial<Target>, parts: Partial<RunRequest> = {}): Promise<RunRecord> {
    const engine = await this.connect();
    const { id } = await engine.startRun({
      workspaceRoot: this.workspace,
      target: { ...DEFAULT_TARGET, ...limits },
      command: { kind: "line", line },
      overlays: [],
      languages: {},
      env: {},
      timeoutMs: 0,
      origin: "test",
      stopOnDisconnect: true,
      pull: true,
      maxFileMiB: 50,
      maxUploadMiB: 1024,
      allowedSecrets: [],
      ...parts,
    });
    return await waitForEnd(engine, id);
  }

  /** Those that ever listened on the state folder and live. */
  async enginePids(): Promise<readonly number[]> {
    const log = await readFile(join(this.state, "engine.log"), "utf8").catch(() => "");
    const pids = [...log.matchAll(/^\S+ (\d+) info The engine \S+ listens/gm)].map(([, pid]) => Number(pid));
    return pids.filter((pid) => existsSync(`/proc/${pid}/exe`));
  }

  async endEngine(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.dispose();
    for (const pid of await this.enginePids()) process.kill(pid, signal);
    await vi.waitUntil(async () => (await this.enginePids()).length === 0, { timeout: 20_000 });
  }

  async close(): Promise<void> {
    await this.endEngine();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

function waitForEnd(engine: ConnectedEngine, runId: string): Promise<RunRecord> {
  return new Promise((resolve, reject) => {
    engine.onDidChange((event) => {
      if (event.type === "run" && event.run.id === runId && event.run.state === "ended") resolve(event.run);
    });
    // It may have ended before anybody listened.
    const look = async (): Promise<void> => {
      const run = (await engine.listRuns()).find(({ id }) => id === runId);
      if (run?.state === "ended") resolve(run);
    };
    look().catch(reject);
  });
}
