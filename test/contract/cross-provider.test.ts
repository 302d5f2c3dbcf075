import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProviderId } from "../../src/core/provider.ts";
import { loadProvider } from "../../src/providers/registry.ts";
import { createCredentials, type Credentials } from "../../src/sessions/credentials.ts";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { EngineDeps } from "../../src/sessions/engine-parts.ts";
import type { SessionRecord, Target } from "../../src/sessions/records.ts";
import { EMULATOR_KEY as DAYTONA_KEY, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import { EMULATOR_KEY as E2B_KEY, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import { startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { EngineBench } from "../fakes/engine-bench.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

const HOUR_MS = 60 * 60_000;
const OVERNIGHT_MS = 12 * HOUR_MS;

const modal = await startModalEmulator();
const e2b = await startE2bEmulator();
const daytona = await startDaytonaEmulator();
const stateFolder = await mkdtemp(join(tmpdir(), "sandpiper-providers-"));
const env = {
  SANDPIPER_MODAL_SERVER_URL: modal.url,
  E2B_API_URL: e2b.url,
  E2B_SANDBOX_URL: e2b.url,
  DAYTONA_API_URL: daytona.url,
};

afterAll(async () => {
  await Promise.all([modal.close(), e2b.close(), daytona.close()]);
  await rm(stateFolder, { recursive: true, force: true });
});

let bench: EngineBench;
let clock: FakeClock;
let credentials: Credentials;

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  credentials = createCredentials();
  bench = await EngineBench.create({ clock, ...toDeps() });
  await bench.engine.setCredential("modal", { ...EMULATOR_TOKEN });
  await bench.engine.setCredential("e2b", { apiKey: E2B_KEY });
  await bench.engine.setCredential("daytona", { apiKey: DAYTONA_KEY });
  await bench.write("a.txt", "a");
});

afterEach(async () => {
  for (const { id, state } of await bench.engine.listSessions())
    if (state !== "ended") await bench.engine.destroySession(id);
  await bench.dispose();
  for (const { books } of [modal, e2b, daytona]) expect(books.leaked()).toEqual([]);
});

/** Every provider as the engine's process has it. */
function toDeps(): Pick<EngineDeps, "loadProvider" | "credentials"> {
  const { platform } = process;
  return {
    credentials,
    loadProvider: async ({ providerId, options }) => {
      const readCredential = () => credentials.read(providerId);
      return await loadProvider(providerId, options, { stateFolder, env, platform, readCredential });
    },
  };
}

function toTarget(providerId: ProviderId, changes: Partial<Target> = {}): Target {
  return { ...DEFAULT_TARGET, providerId, ...changes };
}

async function read(sessionId: string | undefined): Promise<SessionRecord | undefined> {
  return (await bench.engine.listSessions()).find(({ id }) => id === sessionId);
}

/** The night passes, with the editor closed. */
async function sleepOvernight(): Promise<void> {
  clock = new FakeClock(clock.now() + OVERNIGHT_MS);
  await bench.restart({ clock, ...toDeps() });
}

describe("overnight", () => {
  it("a sandbox of E2B pauses at its deadline, costs nothing, and goes on in the morning with all its files", async () => {
    const target = toTarget("e2b", { options: { autoPause: "true" }, lifetimeMs: HOUR_MS });
    const { run: first } = await bench.runLine("echo made > made.txt; echo home > ~/x", { target });
    const sandboxId = (await read(first.sessionId))?.sandboxId ?? "";
    await e2b.expire(sandboxId);
    clock.advance(HOUR_MS + 60_000);
    await expect.poll(async () => (await read(first.sessionId))?.state, { timeout: 10_000 }).toBe("paused");
    await sleepOvernight();
    expect((await bench.engine.readCosts()).usdPerHour).toBe(0);
    await bench.write("b.txt", "b");

    const { run, stdout, stderr } = await bench.runLine("cat a.txt b.txt made.txt ~/x", { target });

    expect([stdout, stderr]).toEqual(["abmade\nhome\n", ""]);
    expect(run).toMatchObject({ sessionId: first.sessionId, sent: { fileCount: 1, totalBytes: 1 } });
    expect((await read(first.sessionId))?.sandboxId).toBe(sandboxId);
  });

  it("one that paused while no engine ran is found in the morning, and no sweep takes it away", async () => {
    const target = toTarget("e2b", { options: { autoPause: "true" }, lifetimeMs: HOUR_MS });
    const { run: first } = await bench.runLine("echo made > made.txt", { target });
    await e2b.expire((await read(first.sessionId))?.sandboxId ?? "");
    await sleepOvernight();

    await expect.poll(async () => (await read(first.sessionId))?.state, { timeout: 10_000 }).toBe("paused");
    await bench.engine.setCredential("e2b", { apiKey: E2B_KEY });

    expect((await bench.runLine("cat made.txt", { target })).stdout).toBe("made\n");
  });

  it("a session of Daytona that was paused in the evening goes on in the morning", async () => {
    const target = toTarget("daytona");
    const { run: first } = await bench.runLine("echo made > made.txt; echo home > ~/x", { target });
    await bench.engine.pauseSession(first.sessionId ?? "");
    await sleepOvernight();

    const { run, stdout, stderr } = await bench.runLine("cat a.txt made.txt ~/x", { target });

    expect([stdout, stderr]).toEqual(["amade\nhome\n", ""]);
    expect(run.sessionId).toBe(first.sessionId);
  });

  it("one that is gone in the morning is replaced by its last snapshot, which the run says", async () => {
    const target = toTarget("daytona");
    const { run: first } = await bench.runLine("echo made > made.txt", { target });
    const { pausedId = "" } = await bench.engine.pauseSession(first.sessionId ?? "");
    await daytona.expire(pausedId);
    await sleepOvernight();

    const { run, stdout } = await bench.runLine("cat made.txt", { target });

    expect(stdout).toBe("made\n");
    expect(run.sessionId).not.toBe(first.sessionId);
    expect(run.notes?.join()).toContain("so a new sandbox was started from its last snapshot");
  });
});

describe("a snapshot", () => {
  it("of a session on Modal goes on at E2B, and comes back", async () => {
    const there = await bench.runLine("echo modal > made.txt; mkdir -p bin; echo x > bin/t; chmod +x bin/t", {
      target: toTarget("modal"),
    });
    const atModal = await bench.engine.takeSnapshot({ kind: "session", sessionId: there.run.sessionId ?? "" });

    await bench.engine.restoreSession(atModal.id, toTarget("e2b"));
    const atE2b = await bench.runLine("cat a.txt made.txt; test -x bin/t && echo e2b >> made.txt", {
      target: toTarget("e2b"),
    });
    expect(atE2b.stdout).toBe("amodal\n");
    const onward = await bench.engine.takeSnapshot({ kind: "session", sessionId: atE2b.run.sessionId ?? "" });

    const back = await bench.engine.restoreSession(onward.id, toTarget("modal", { memoryMiB: 1024 }));
    const { run, stdout } = await bench.runLine("cat made.txt", { target: back.target });

    expect(stdout).toBe("modal\ne2b\n");
    expect(run.sessionId).toBe(back.id);
    // Nothing was sent: the sandboxes were filled from the snapshots.
    expect([atE2b.run.sent?.fileCount ?? 0, run.sent?.fileCount ?? 0]).toEqual([0, 0]);
  });

  it.each(["e2b", "daytona"] as const)("is what each run of a batch at %s starts from, so many at once", async (id) => {
    const target = toTarget(id, { options: { maxConcurrent: "2" } });
    const line = 'cat a.txt; echo "$SANDPIPER_INDEX of $SANDPIPER_COUNT" > out.txt';
    const { id: batchId } = await bench.engine.startBatch(bench.toRequest({ kind: "line", line }, { target }), {
      count: 3,
    });

    await expect
      .poll(async () => (await bench.engine.listBatches())[0], { timeout: 30_000 })
      .toMatchObject({ id: batchId, state: "ended", concurrency: 2, succeeded: 3 });
  });
});

describe("what a sandbox costs", () => {
  it("is known where the image decides what it has, before and after", async () => {
    const [standard] = await bench.engine.listImages(toTarget("e2b"));
    expect(standard).toMatchObject({ id: "code-interpreter-v1" });
    for (const id of ["e2b", "daytona"] as const) {
      const target = toTarget(id, { cpus: 64 });
      const estimate = await bench.engine.estimateRate(target);
      const { rate } = await bench.engine.startSession(bench.workspace, target);
      expect(estimate?.usdPerHour).toBeGreaterThan(0);
      expect(rate?.usdPerHour).toBeCloseTo(estimate?.usdPerHour ?? 0, 3);
    }
  });
});
