import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../src/core/sandbox-error.ts";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import type { SessionRecord, Target } from "../../../src/sessions/records.ts";
import { EngineBench, type Outcome } from "../../fakes/engine-bench.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";
import { FakeCloudProvider } from "../../fakes/fake-cloud-provider.ts";

const MINUTE_MS = 60_000;
const LIFETIME_MS = 60 * MINUTE_MS;
/** The sandbox's own clock is the machine's, a little later than the engine's. */
const OVER_MS = LIFETIME_MS + MINUTE_MS;
const TARGET: Target = {
  ...DEFAULT_TARGET,
  providerId: "e2b",
  options: { autoPause: "true" },
  lifetimeMs: LIFETIME_MS,
};

let bench: EngineBench;
let cloud: FakeCloudProvider;
let clock: FakeClock;

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  bench = await EngineBench.create({ clock }, (root) => (cloud = new FakeCloudProvider(root)));
  await bench.write("a.txt", "a");
});

afterEach(async () => {
  await bench.dispose();
});

async function run(line: string, target: Target = TARGET): Promise<Outcome> {
  return await bench.runLine(line, { target });
}

async function read(sessionId: string | undefined): Promise<SessionRecord | undefined> {
  return (await bench.engine.listSessions()).find(({ id }) => id === sessionId);
}

/** A session that ran that line; its sandbox pauses by itself, and the session's time is up. */
async function runAndLetPause(line: string): Promise<SessionRecord> {
  const id = (await run(line)).run.sessionId;
  await cloud.pauseByItself((await read(id))?.sandboxId ?? "");
  clock.advance(OVER_MS);
  await expect.poll(async () => (await read(id))?.state).toBe("paused");
  const session = await read(id);
  if (!session) throw new Error("The session is not on record.");
  return session;
}

describe("a sandbox that pauses by itself when its time is up", { timeout: 20_000 }, () => {
  it("leaves its session paused, and the next run goes on in it", async () => {
    const { id, pausedId } = await runAndLetPause("echo made > made.txt");
    expect(pausedId).toBe([...cloud.saved.keys()][0]);

    const { run: next, stdout } = await run("cat made.txt");

    expect(stdout).toBe("made\n");
    expect(next.sessionId).toBe(id);
    expect(await read(id)).toMatchObject({ state: "ready" });
  });

  it("has left a snapshot before, of what a run changed until then", async () => {
    const line = "echo made > made.txt; sleep 60";
    const { id: runId } = await bench.engine.startRun(bench.toRequest({ kind: "line", line }, { target: TARGET }));
    const { sessionId = "" } = await bench.waitFor(runId, ({ state }) => state === "running");
    const file = join(await bench.sandboxOf(sessionId), "made.txt");
    await expect.poll(() => readFile(file, "utf8").catch(() => "")).toBe("made\n");
    clock.advance(LIFETIME_MS - 5 * MINUTE_MS + 5_000);
    await expect.poll(async () => (await bench.engine.listSnapshots())[0]?.cause).toBe("expiry");
    await cloud.pauseByItself((await read(sessionId))?.sandboxId ?? "");
    await expect.poll(async () => (await read(sessionId))?.state).toBe("paused");
    cloud.saved.clear();

    const { run: next, stdout } = await run("cat made.txt");

    expect(stdout).toBe("made\n");
    expect(next.notes?.join()).toContain("started from its last snapshot");
  });

  it("may be early: the run that finds it paused goes on in it", async () => {
    const first = await run("echo made > made.txt");
    await cloud.pauseByItself((await read(first.run.sessionId))?.sandboxId ?? "");

    const { run: next, stdout } = await run("cat made.txt");

    expect([next.error?.message, stdout]).toEqual([undefined, "made\n"]);
    expect(next.sessionId).toBe(first.run.sessionId);
  });

  it("may be some seconds late", async () => {
    const id = (await run("echo made > made.txt")).run.sessionId;
    const sandboxId = (await read(id))?.sandboxId ?? "";
    const asked = Promise.withResolvers<void>();
    cloud.onStep = (step) => (step === "find-paused" ? asked.resolve() : undefined);
    clock.advance(OVER_MS);
    await asked.promise;
    await cloud.pauseByItself(sandboxId);

    await expect
      .poll(async () => {
        clock.advance(3_000);
        return (await read(id))?.state;
      })
      .toBe("paused");
  });

  it("is found to have paused by an engine that starts later, and is not paid for meanwhile", async () => {
    await bench.engine.setCostPolicy({ perRunUsd: 0, perDayUsd: 0, prices: { "e2b/cpu": 0.5, "e2b/memory": 0 } });
    const id = (await run("echo made > made.txt")).run.sessionId;
    const sandboxId = (await read(id))?.sandboxId ?? "";
    await cloud.pauseByItself(sandboxId);
    await bench.restart({ clock: new FakeClock(clock.now() + 12 * LIFETIME_MS) });

    await expect.poll(async () => (await read(id))?.state).toBe("paused");

    const { usdPerHour } = await bench.engine.readCosts();
    expect(usdPerHour).toBe(0);
    expect((await run("cat made.txt")).stdout).toBe("made\n");
  });

  it("is found to have paused once somebody signs in, where the engine that starts has no key yet", async () => {
    const id = (await run("true")).run.sessionId;
    await cloud.pauseByItself((await read(id))?.sandboxId ?? "");
    cloud.onStep = (step) => {
      if (step === "connect") throw new SandboxError("auth", "Sign in.");
    };
    await bench.restart({ clock });
    expect((await read(id))?.state).toBe("ready");

    cloud.onStep = () => undefined;
    await bench.engine.setCredential("e2b", { apiKey: "e2b_x" });

    await expect.poll(async () => (await read(id))?.state).toBe("paused");
  });

  it("stays as it is while its provider cannot be asked, and goes on when it can", async () => {
    const id = (await run("echo made > made.txt")).run.sessionId;
    await cloud.pauseByItself((await read(id))?.sandboxId ?? "");
    cloud.onStep = (step) => {
      if (step === "find-paused") throw new SandboxError("unavailable", "Not now.");
    };
    clock.advance(OVER_MS);
    await expect(run("true").then(({ run: { error } }) => error?.message)).resolves.toBe("Not now.");
    expect((await read(id))?.state).toBe("ready");

    cloud.onStep = () => undefined;

    expect((await run("cat made.txt")).stdout).toBe("made\n");
  });

  it("is over when it has not paused after all", async () => {
    const id = (await run("true")).run.sessionId;
    await cloud.lose((await read(id))?.sandboxId ?? "");
    clock.advance(OVER_MS);

    await expect
      .poll(async () => {
        clock.advance(30_000);
        return (await read(id))?.state;
      })
      .toBe("ended");
  });

  it("takes the run with it that goes on in it, and its session stays", async () => {
    const request = bench.toRequest({ kind: "line", line: "echo made > made.txt; sleep 60" }, { target: TARGET });
    const { id: runId } = await bench.engine.startRun(request);
    const { sessionId } = await bench.waitFor(runId, ({ state }) => state === "running");
    const file = join(await bench.sandboxOf(sessionId), "made.txt");
    await expect.poll(() => readFile(file, "utf8").catch(() => "")).toBe("made\n");
    await cloud.pauseByItself((await read(sessionId))?.sandboxId ?? "");

    expect((await bench.finish(runId)).run.exit?.kind).toBe("lost");

    await expect.poll(async () => (await read(sessionId))?.state).toBe("paused");
    expect((await run("cat made.txt")).stdout).toBe("made\n");
  });

  it("is deleted with its session, also when nobody could find out yet whether it had paused", async () => {
    const id = (await run("true")).run.sessionId ?? "";
    const sandboxId = (await read(id))?.sandboxId ?? "";
    await cloud.pauseByItself(sandboxId);
    const deleted: string[] = [];
    cloud.onStep = (step) => {
      if (step === "find-paused") throw new SandboxError("unavailable", "Not now.");
    };
    cloud.deleteSaved = async (saved) => void deleted.push(saved);
    await bench.restart({ clock });

    await bench.engine.destroySession(id);

    expect(deleted).toEqual([sandboxId]);
  });
});

describe("a session that is nearly over", { timeout: 20_000 }, () => {
  it("is paused and goes on with all of its time, where its sandbox would pause by itself", async () => {
    const { run: first } = await run("echo made > made.txt");
    clock.advance(LIFETIME_MS - 30_000);

    const { run: next, stdout } = await run("cat made.txt");

    expect(stdout).toBe("made\n");
    expect(next.sessionId).toBe(first.sessionId);
    expect(cloud.createdSpecs).toHaveLength(2);
  });

  it("is left for a new one when it cannot be paused", async () => {
    const { run: first } = await run("true");
    clock.advance(LIFETIME_MS - 30_000);
    cloud.onStep = (step) => {
      if (step === "pause") throw new SandboxError("unavailable", "Not now.");
    };

    const { run: next } = await run("true");

    expect(next.sessionId).not.toBe(first.sessionId);
    expect(next.notes?.join()).toContain("nearly up");
  });
});

describe("a sandbox of a batch", () => {
  it("ends for good: nobody goes on with it", async () => {
    const request = bench.toRequest({ kind: "line", line: "true" }, { target: { ...TARGET, providerId: "e2b" } });

    await bench.engine.startBatch(request, { count: 2 });
    await expect.poll(async () => (await bench.engine.listBatches())[0]?.state, { timeout: 10_000 }).toBe("ended");

    const runs = await bench.engine.listRuns();
    expect(runs.map(({ target }) => target.options)).toEqual([{}, {}]);
  });
});
