import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectEngine } from "../../src/host/connect-engine.ts";
import type { ConnectedEngine } from "../../src/host/engine-client.ts";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import { followRun } from "../../src/sessions/follow-run.ts";
import type { RunRecord, RunRequest } from "../../src/sessions/records.ts";
import { readRunLog } from "../../src/sessions/run-log-reader.ts";
import { type StateFolder, toRunFolder, toStateFolder } from "../../src/sessions/state-folder.ts";

const FAKE_ENGINE = fileURLToPath(new URL("../fakes/fake-engine.ts", import.meta.url));

let folder: string;
let state: StateFolder;
const clients: ConnectedEngine[] = [];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "sandpiper-crash-")));
  state = toStateFolder({ SANDPIPER_STATE: join(folder, "state") });
  await mkdir(join(folder, "workspace"));
  await writeFile(join(folder, "workspace", "a.txt"), "sent");
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose();
  for (const pid of await findEnginePids()) process.kill(pid, "SIGKILL");
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function connect(env: NodeJS.ProcessEnv = {}, version = "1.0.0"): Promise<ConnectedEngine> {
  const client = await connectEngine({
    state,
    version,
    role: "test",
    engineFile: FAKE_ENGINE,
    env: { ...process.env, ...env },
  });
  clients.push(client);
  return client;
}

/** Those that ever listened on this state folder and live. */
async function findEnginePids(): Promise<number[]> {
  const log = await readFile(join(state.root, "engine.log"), "utf8").catch(() => "");
  const pids = [...log.matchAll(/^\S+ (\d+) info The engine \S+ listens/gm)].map(([, pid]) => Number(pid));
  return pids.filter((pid) => existsSync(`/proc/${pid}`));
}

async function killEngine(client: ConnectedEngine): Promise<void> {
  for (const pid of await findEnginePids()) process.kill(pid, "SIGKILL");
  await client.closed;
}

function toRequest(line: string, changes: Partial<RunRequest> = {}): RunRequest {
  return {
    workspaceRoot: join(folder, "workspace"),
    target: DEFAULT_TARGET,
    command: { kind: "line", line },
    overlays: [],
    languages: {},
    env: {},
    timeoutMs: 0,
    origin: "test",
    stopOnDisconnect: false,
    pull: true,
    maxFileMiB: 50,
    maxUploadMiB: 1024,
    allowedSecrets: [],
    ...changes,
  };
}

async function follow(
  engine: ConnectedEngine,
  runId: string,
  fromOffset = 0,
): Promise<{ run: RunRecord | undefined; text: string }> {
  let text = "";
  const following = followRun(engine, { state, runId, fromOffset, signal: AbortSignal.timeout(15_000) });
  for (;;) {
    const step = await following.next();
    if (step.done) return { run: step.value, text };
    text += Buffer.from(step.value.data).toString();
  }
}

async function readText(runId: string): Promise<string> {
  let text = "";
  for await (const { data } of readRunLog(toRunFolder(state, runId))) text += Buffer.from(data).toString();
  return text;
}

describe("an engine of its own process", () => {
  it("is one, however many clients start it at the same time", async () => {
    const engines = await Promise.all([connect(), connect(), connect(), connect()]);

    await Promise.all(engines.map((engine) => engine.listRuns()));

    expect((await findEnginePids()).length).toBe(1);
  });

  it("goes on with a run when its client goes, and the next client sees every byte", async () => {
    const first = await connect();
    const { id } = await first.startRun(toRequest("for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done; cat"));
    await expect.poll(() => readText(id)).toContain("line 2");
    await first.dispose();

    const second = await connect();
    const offset = "line 1\n".length;
    await second.writeInput(id, Buffer.from("still there\n"));
    await second.closeInput(id);
    const { run, text } = await follow(second, id, offset);

    expect(text).toBe("line 2\nline 3\nline 4\nline 5\nstill there\n");
    expect(run?.exit).toEqual({ kind: "exited", code: 0 });
  });

  it("stops a run whose client goes, when it was asked to", async () => {
    const first = await connect();
    const { id } = await first.startRun(toRequest("echo up; exec sleep 60", { stopOnDisconnect: true }));
    await expect.poll(() => readText(id)).toBe("up\n");
    await first.dispose();

    const { run } = await follow(await connect(), id);

    expect(run).toMatchObject({ stopReason: "disconnect", exit: { kind: "signaled", signal: "SIGINT" } });
  });

  it("shows a run as lost after it was killed in the middle of it, with every byte that was written", async () => {
    const first = await connect();
    const { id } = await first.startRun(toRequest("i=0; while :; do i=$((i+1)); echo line $i; done"));
    await expect.poll(async () => (await readText(id)).length).toBeGreaterThan(100_000);
    await killEngine(first);
    const before = await readText(id);

    const { run, text } = await follow(await connect(), id);

    expect(run).toMatchObject({
      state: "ended",
      exit: { kind: "lost", reason: "Sandpiper's engine ended while the command was running." },
    });
    expect(text.startsWith(before)).toBe(true);
    const lines = text.split("\n");
    lines.pop();
    expect(lines).toEqual(lines.map((_, at) => `line ${at + 1}`));
  });

  it.each(["create", "create-answer", "apply", "exec", "list", "collect", "destroy"])(
    "leaks nothing when it is killed at %s, and works again",
    async (step) => {
      const first = await connect({ SANDPIPER_TEST_HOLD: step });
      const { id } = await first.startRun(toRequest("echo made > made.txt"));
      if (step === "destroy") {
        const { run } = await follow(first, id);
        void first.destroySession(run?.sessionId ?? "").catch(() => undefined);
      }
      await expect.poll(() => existsSync(join(state.root, "held")), { timeout: 10_000 }).toBe(true);
      await killEngine(first);

      const second = await connect();
      const next = await second.startRun(toRequest("cat a.txt"));
      const { run, text } = await follow(second, next.id);

      expect(text).toBe("sent");
      expect(run?.error).toBeUndefined();
      expect((await second.listRuns()).map(({ state: at }) => at)).toEqual(["ended", "ended"]);
      await expect.poll(async () => (await readdir(join(state.root, "fake-sandboxes"))).length).toBe(1);
      const sessions = await second.listSessions();
      expect(sessions.filter((session) => session.state !== "ended").map((session) => session.id)).toEqual([
        run?.sessionId,
      ]);
    },
  );

  it("makes way for another version when nothing goes on, and goes on serving when something does", async () => {
    const old = await connect({}, "1.0.0");
    const [oldPid] = await findEnginePids();
    const { id } = await old.startRun(toRequest("cat"));
    const newer = await connect({ SANDPIPER_TEST_VERSION: "2.0.0" }, "2.0.0");
    expect(await findEnginePids()).toEqual([oldPid]);
    await newer.closeInput(id);
    await follow(newer, id);
    await Promise.all([old.dispose(), newer.dispose()]);

    const last = await connect({ SANDPIPER_TEST_VERSION: "2.0.0" }, "2.0.0");

    expect((await last.listRuns()).map((run) => run.id)).toEqual([id]);
    expect(await findEnginePids()).not.toEqual([oldPid]);
  });

  it("says why it cannot start", async () => {
    const options = {
      state,
      version: "1.0.0",
      role: "test",
      env: process.env,
      engineFile: join(folder, "no-such-engine.js"),
    };

    await expect(connectEngine(options)).rejects.toThrow(/engine did not start.*no-such-engine/s);
  });
});
