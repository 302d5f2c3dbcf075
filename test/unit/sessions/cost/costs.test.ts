import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import type { CostPolicy } from "../../../../src/sessions/cloud-records.ts";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { RunRecord, SessionRecord, Target } from "../../../../src/sessions/records.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";
import { FakeProvider } from "../../../fakes/fake-provider.ts";

const HOUR_MS = 3_600_000;
/** One dollar an hour, three with an H100. */
const PRICES = { "modal/cpu": 0.5, "modal/memory": 0, "modal/gpu/H100": 2, "modal/gpu/L4": 1 };
const FREE_POLICY: CostPolicy = { perRunUsd: 0, perDayUsd: 0, prices: PRICES };
const MODAL: Target = { ...DEFAULT_TARGET, providerId: "modal", cpus: 2, lifetimeMs: 10 * HOUR_MS };

class GpuProvider extends FakeProvider {
  override gpuTiers = async () => [
    { id: "H100", title: "H100", vramGiB: 80, maxCount: 8 },
    { id: "L4", title: "L4", vramGiB: 24, maxCount: 8 },
    { id: "RARE", title: "Of no known price" },
  ];
}

let bench: EngineBench;
let clock: FakeClock;

beforeEach(async () => {
  // Noon: no midnight comes in between unless a test wants one.
  clock = new FakeClock(new Date().setHours(12, 0, 0, 0));
  bench = await EngineBench.create({ clock }, (root) => new GpuProvider(root));
  await bench.engine.setCostPolicy(FREE_POLICY);
});
afterEach(() => bench.dispose());

async function start(target: Target = MODAL): Promise<SessionRecord> {
  return await bench.engine.startSession(bench.workspace, target);
}

async function startSleeping(target: Target, budgetUsd?: number): Promise<RunRecord> {
  const own = { target, ...(budgetUsd === undefined ? {} : { budgetUsd }) };
  const { id } = await bench.engine.startRun(bench.toRequest({ kind: "line", line: "echo up > up; sleep 60" }, own));
  const run = await bench.waitFor(id, ({ state }) => state === "running");
  const folder = await bench.sandboxOf(run.sessionId);
  await expect.poll(() => existsSync(join(folder, "up"))).toBe(true);
  return run;
}

async function advanceUntil(isSo: () => Promise<boolean>): Promise<void> {
  for (let second = 0; second < 120 && !(await isSo()); second++) clock.advance(1000);
  expect(await isSo()).toBe(true);
}

async function find(id: string): Promise<SessionRecord | undefined> {
  return (await bench.engine.listSessions()).find((session) => session.id === id);
}

describe("what sandboxes cost", () => {
  it("is counted while they live and kept when they have ended", async () => {
    const { id, rate } = await start();
    expect(rate?.usdPerHour).toBe(1);
    clock.advance(HOUR_MS / 2);
    expect(await bench.engine.readCosts()).toMatchObject({ todayUsd: 0.5, monthUsd: 0.5, usdPerHour: 1 });
    await bench.engine.destroySession(id);
    clock.advance(HOUR_MS);

    expect(await bench.engine.readCosts()).toMatchObject({ todayUsd: 0.5, monthUsd: 0.5, usdPerHour: 0 });
    await bench.restart({ clock });
    expect(await bench.engine.readCosts()).toMatchObject({ todayUsd: 0.5, monthUsd: 0.5 });
  });

  it("is counted on the day it was spent", async () => {
    const { id } = await start({ ...MODAL, lifetimeMs: 24 * HOUR_MS });
    clock.advance(13 * HOUR_MS);
    expect((await bench.engine.readCosts()).todayUsd).toBeCloseTo(1, 6);
    await bench.engine.destroySession(id);
    expect((await bench.engine.readCosts()).todayUsd).toBeCloseTo(1, 6);
  });

  it("is counted once when the engine that ran it has died, and no longer than the sandbox can have lived", async () => {
    const { createdAt, expiresAt } = await start({ ...MODAL, lifetimeMs: HOUR_MS });
    clock.advance(Date.parse(expiresAt) - clock.now() + HOUR_MS);
    await bench.restart({ clock });
    expect(await bench.engine.readCosts()).toMatchObject({ usdPerHour: 0 });
    await bench.restart({ clock });

    const lifeHours = (Date.parse(expiresAt) - Date.parse(createdAt)) / HOUR_MS;
    expect((await bench.engine.readCosts()).monthUsd).toBeCloseTo(lifeHours, 6);
  });

  it("is nothing on this machine", async () => {
    await start(DEFAULT_TARGET);
    clock.advance(HOUR_MS);
    expect(await bench.engine.readCosts()).toMatchObject({ todayUsd: 0, usdPerHour: 0, isPartial: false });
  });

  it("is said to be incomplete when a price is not known", async () => {
    await start({ ...MODAL, gpu: "L4" });
    expect((await bench.engine.readCosts()).isPartial).toBe(false);
    await start({ ...MODAL, gpu: "RARE" });
    expect((await bench.engine.readCosts()).isPartial).toBe(true);
  });

  it("is told of each run by the time that its command took", async () => {
    const { id } = await startSleeping(MODAL);
    clock.advance(HOUR_MS);
    await bench.engine.stopRun(id, true);
    expect((await bench.finish(id)).run.costUsd).toBeCloseTo(1, 6);
  });

  it("is told to whoever listens, some changes at once", async () => {
    const told: number[] = [];
    bench.engine.onDidChange((event) => event.type === "costs" && told.push(event.costs.usdPerHour));
    await start();
    await start();
    clock.advance(1000);
    expect(told.at(-1)).toBe(2);
    expect(told.length).toBeLessThanOrEqual(2);
  });
});

describe("a budget", () => {
  it("of a day stops another start once it is used up, and says what to do", async () => {
    await bench.engine.setCostPolicy({ ...FREE_POLICY, perDayUsd: 1 });
    const { id } = await start();
    clock.advance(HOUR_MS - 1000);
    await bench.engine.destroySession(id);

    await expect(start()).rejects.toThrow(/Today's budget of \$1\.00 is used up.*sandpiper\.budget\.perDayUsd/);
    clock.advance(13 * HOUR_MS);
    expect((await start()).state).toBe("ready");
  });

  it("of a day that is too small for a minute says that, not that it is used up", async () => {
    await bench.engine.setCostPolicy({ ...FREE_POLICY, perDayUsd: 0.001 });
    await expect(start()).rejects.toThrow(/has no room for a minute of that \(\$0\.00 so far\)/);
  });

  it("of a day ends what runs when it is reached, after a snapshot, and the run says so", async () => {
    await bench.engine.setCostPolicy({ ...FREE_POLICY, perDayUsd: 1 });
    await bench.write("a.txt", "a");
    const { id, sessionId = "" } = await startSleeping(MODAL);
    clock.advance(HOUR_MS - 16_000);
    expect((await bench.engine.listRuns())[0]?.state).toBe("running");
    // A second at a time, and no more of them than it takes: a command gets real time to end.
    const ending = bench.finish(id);
    await advanceUntil(async () => (await bench.engine.listRuns())[0]?.state !== "running");

    const { run } = await ending;
    expect(run).toMatchObject({ stopReason: "budget", error: { code: "blocked" } });
    expect(run.error?.message).toMatch(/Today's budget of \$1\.00 is used up.*in a snapshot/);
    expect((await bench.engine.readChanges(id)).map(({ path }) => path)).toEqual(["up"]);
    await expect.poll(() => find(sessionId)).toMatchObject({ state: "ended" });
    const [newest] = await bench.engine.listSnapshots();
    expect((await bench.engine.listSnapshotFiles(newest?.id ?? "")).map(({ path }) => path)).toContain("up");
    expect(bench.provider.sandboxes.size).toBe(0);
  });

  it("of a run ends that run and leaves others alone", async () => {
    const cheap = await startSleeping(MODAL);
    const dear = await startSleeping({ ...MODAL, gpu: "H100" }, 1.5);
    clock.advance(HOUR_MS / 2 + 1000);

    expect((await bench.finish(dear.id)).run).toMatchObject({ stopReason: "budget", error: { code: "blocked" } });
    expect((await bench.engine.listRuns()).find(({ id }) => id === cheap.id)?.state).toBe("running");
    await bench.engine.stopRun(cheap.id, true);
  });

  it("that is set while a run goes on holds for that run too", async () => {
    const { id } = await startSleeping(MODAL);
    clock.advance(HOUR_MS / 2);
    await bench.engine.setCostPolicy({ ...FREE_POLICY, perRunUsd: 0.75 });
    clock.advance(HOUR_MS / 4 + 1000);
    expect((await bench.finish(id)).run.stopReason).toBe("budget");
  });

  it("forbids what has no known price, as it could not be kept", async () => {
    const rare: Target = { ...MODAL, gpu: "RARE" };
    expect(await bench.engine.estimateRate(rare)).toBeUndefined();
    await bench.engine.setCostPolicy({ ...FREE_POLICY, perRunUsd: 5 });
    await expect(start(rare)).rejects.toThrow(/price of RARE is not known.*sandpiper\.prices/);
    await bench.engine.setCostPolicy({ ...FREE_POLICY, perRunUsd: 5, prices: { ...PRICES, "modal/gpu/RARE": 1 } });
    expect((await start(rare)).rate?.usdPerHour).toBe(2);
  });

  it("survives a restart, and nonsense is refused", async () => {
    await bench.engine.setCostPolicy({ ...FREE_POLICY, perDayUsd: 7 });
    await bench.restart({ clock });
    expect((await bench.engine.readCosts()).policy.perDayUsd).toBe(7);
    const wrong = bench.engine.setCostPolicy({ ...FREE_POLICY, perRunUsd: -1 });
    await expect(wrong).rejects.toMatchObject({ code: "invalid" });
    const nan = bench.engine.setCostPolicy({ ...FREE_POLICY, prices: { x: Number.NaN } });
    await expect(nan).rejects.toThrow(/price "x"/);
  });
});

describe("GPUs", () => {
  it("are offered with what a sandbox with one costs, and why one cannot be had", async () => {
    const [h100, l4] = await bench.engine.listGpus(MODAL);
    expect([h100?.rate?.usdPerHour, l4?.rate?.usdPerHour]).toEqual([3, 2]);
    await bench.engine.setCostPolicy({ ...FREE_POLICY, perRunUsd: 0.04 });
    const [tooDear, fine] = await bench.engine.listGpus(MODAL);
    expect(tooDear?.disabledBecause).toMatch(/A minute of H100 costs more/);
    expect(fine?.disabledBecause).toBeUndefined();
  });

  it("are replaced by the next of the list while there is none free, and the run says so", async () => {
    bench.provider.onStep = (step) => {
      if (step === "create" && wanted.length < 1) {
        wanted.push(step);
        throw new SandboxError("capacity", "Modal has no free H100 now.");
      }
    };
    const wanted: string[] = [];
    const target: Target = { ...MODAL, gpu: "H100", gpuFallbacks: ["L4", "cpu"] };

    const { run } = await bench.runLine("true", { target });

    expect(bench.provider.createdSpecs.map(({ gpu }) => gpu)).toEqual(["L4"]);
    expect(run.notes).toContain("No H100 is free at Fake now; got L4.");
    expect(await find(run.sessionId ?? "")).toMatchObject({ gpu: "L4", rate: { usdPerHour: 2 } });
    expect((await bench.runLine("true", { target })).run.sessionId).toBe(run.sessionId);
  });

  it("end at none of them when the list says so, and fail when it has no more", async () => {
    let left = 2;
    bench.provider.onStep = (step) => {
      if (step === "create" && left-- > 0) throw new SandboxError("capacity", "None free.");
    };
    const { run } = await bench.runLine("true", { target: { ...MODAL, gpu: "H100", gpuFallbacks: ["L4", "cpu"] } });
    expect(run.notes).toContain("No H100 and no L4 is free at Fake now; got sandbox without a GPU.");
    expect(bench.provider.createdSpecs.at(-1)?.gpu).toBeUndefined();

    left = 2;
    const failed = await bench.runLine("true", { target: { ...MODAL, gpu: "L4", gpuFallbacks: ["H100"] } });
    expect(failed.run.error?.code).toBe("capacity");
  });

  it("are not replaced after another error", async () => {
    let left = 1;
    bench.provider.onStep = (step) => {
      if (step === "create" && left-- > 0) throw new SandboxError("auth", "Sign in.");
    };
    const { run } = await bench.runLine("true", { target: { ...MODAL, gpu: "H100", gpuFallbacks: ["L4"] } });
    expect(run.error?.code).toBe("auth");
    expect(bench.provider.createdSpecs).toEqual([]);
  });

  it.each([
    ["X1", /no GPU "X1"\. Choose one of: H100, L4, RARE, cpu/],
    ["H100:9", /at most 8 H100/],
    ["H100:0", /written as "H100"/],
  ])("that there are none of are refused before anything is made: %s", async (gpu, message) => {
    await expect(start({ ...MODAL, gpu })).rejects.toThrow(message);
    expect(bench.provider.createdSpecs).toEqual([]);
  });
});
