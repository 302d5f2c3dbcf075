import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { silentLogger } from "../../src/core/logger.ts";
import { createCredentials } from "../../src/sessions/credentials.ts";
import { createEngine, type HostedEngine } from "../../src/sessions/create-engine.ts";
import type { EngineDeps } from "../../src/sessions/engine-parts.ts";
import { DEFAULT_MAX_FILE_MIB, DEFAULT_MAX_UPLOAD_MIB, DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import { followRun } from "../../src/sessions/follow-run.ts";
import type { RunCommand, RunRecord, RunRequest } from "../../src/sessions/records.ts";
import { type StateFolder, toStateFolder } from "../../src/sessions/state-folder.ts";
import { createScanner, type Scanner } from "../../src/snapshots/scan/scanner.ts";
import { createSecretScanner, type SecretScanner } from "../../src/snapshots/secrets/secret-scanner.ts";
import { FakeProvider } from "./fake-provider.ts";

const SCAN_WORKER = new URL("../../src/snapshots/scan/scan-worker.ts", import.meta.url);
const SECRET_WORKER = new URL("../../src/snapshots/secrets/secret-worker.ts", import.meta.url);

interface Parts {
  readonly scanner: Scanner;
  readonly secrets: SecretScanner;
  readonly provider: FakeProvider;
}

/** What a run left for a test to look at. */
export interface Outcome {
  readonly run: RunRecord;
  readonly stdout: string;
  readonly stderr: string;
}

/** An engine over the fake provider, with a state folder and a workspace of its own. */
export class EngineBench {
  readonly #parts: Parts;
  readonly folder: string;
  readonly workspace: string;
  readonly state: StateFolder;
  readonly provider: FakeProvider;
  engine: HostedEngine;

  private constructor(folder: string, engine: HostedEngine, parts: Parts) {
    this.folder = folder;
    this.workspace = join(folder, "workspace");
    this.state = toStateFolder({ SANDPIPER_STATE: join(folder, "state") });
    this.engine = engine;
    this.#parts = parts;
    this.provider = parts.provider;
  }

  /** @param makeProvider with the folder that its sandboxes may be in */
  static async create(
    deps: Partial<EngineDeps> = {},
    makeProvider = (root: string): FakeProvider => new FakeProvider(root),
  ): Promise<EngineBench> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "sandpiper-")));
    await mkdir(join(folder, "workspace"));
    const parts = {
      scanner: createScanner(SCAN_WORKER),
      secrets: createSecretScanner(SECRET_WORKER),
      provider: makeProvider(join(folder, "sandboxes")),
    };
    const engine = await makeEngine(folder, parts, deps);
    return new EngineBench(folder, engine, parts);
  }

  /** Forgets the engine as a crash does, without a word to it, and starts another on the same state. */
  async restart(deps: Partial<EngineDeps> = {}): Promise<void> {
    this.engine = await makeEngine(this.folder, this.#parts, deps);
  }

  async write(path: string, text: string): Promise<void> {
    const file = join(this.workspace, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  toRequest(command: RunCommand, changes: Partial<RunRequest> = {}): RunRequest {
    return {
      workspaceRoot: this.workspace,
      target: DEFAULT_TARGET,
      command,
      overlays: [],
      languages: {},
      env: {},
      timeoutMs: 0,
      origin: "test",
      stopOnDisconnect: false,
      pull: true,
      maxFileMiB: DEFAULT_MAX_FILE_MIB,
      maxUploadMiB: DEFAULT_MAX_UPLOAD_MIB,
      allowedSecrets: [],
      ...changes,
    };
  }

  /** Runs a shell line to its end. */
  async runLine(line: string, changes: Partial<RunRequest> = {}): Promise<Outcome> {
    return await this.run(this.toRequest({ kind: "line", line }, changes));
  }

  async run(request: RunRequest): Promise<Outcome> {
    const { id } = await this.engine.startRun(request);
    return await this.finish(id);
  }

  /** Waits for a run's end. */
  async finish(runId: string): Promise<Outcome> {
    const texts = { stdout: "", stderr: "" };
    const following = followRun(this.engine, { state: this.state, runId, signal: AbortSignal.timeout(20_000) });
    for (;;) {
      const step = await following.next();
      if (!step.done) texts[step.value.stream] += Buffer.from(step.value.data).toString();
      else if (step.value) return { run: step.value, ...texts };
      else throw new Error("The run did not end in time.");
    }
  }

  /** Resolves when the run is in that state. */
  async waitFor(runId: string, isSo: (run: RunRecord) => boolean): Promise<RunRecord> {
    return await new Promise((resolve) => {
      const take = (run: RunRecord | undefined): void => {
        if (run?.id === runId && isSo(run)) resolve(run);
      };
      this.engine.onDidChange((event) => (event.type === "run" ? take(event.run) : undefined));
      void this.engine.listRuns().then((runs) => take(runs.find(({ id }) => id === runId)));
    });
  }

  /** Where the files are of the session's sandbox. */
  async sandboxOf(sessionId: string | undefined): Promise<string> {
    const session = (await this.engine.listSessions()).find(({ id }) => id === sessionId);
    return join(this.provider.root, session?.sandboxId ?? "-", "workspace");
  }

  /** Starts a run that makes a file and goes on; resolves once the file is there. */
  async startMaking(name: string): Promise<{ readonly runId: string; readonly sessionId: string }> {
    const { id } = await this.engine.startRun(this.toRequest({ kind: "line", line: `echo made > ${name}; sleep 60` }));
    const { sessionId = "" } = await this.waitFor(id, ({ state }) => state === "running");
    const file = join(await this.sandboxOf(sessionId), name);
    await expect.poll(() => readFile(file, "utf8").catch(() => "")).toBe("made\n");
    return { runId: id, sessionId };
  }

  async dispose(): Promise<void> {
    await this.engine.dispose();
    await this.#parts.scanner.dispose();
    await this.#parts.secrets.dispose();
    // What the provider was doing when the engine ended goes on.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function makeEngine(
  folder: string,
  { provider, ...parts }: Parts,
  deps: Partial<EngineDeps>,
): Promise<HostedEngine> {
  const state = toStateFolder({ SANDPIPER_STATE: join(folder, "state") });
  const own = { credentials: createCredentials(), logger: silentLogger, loadProvider: async () => provider };
  return await createEngine({ state, ...parts, ...own, ...deps });
}
