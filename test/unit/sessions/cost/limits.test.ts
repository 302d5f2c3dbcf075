import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import type { CostPolicy } from "../../../../src/sessions/cloud-records.ts";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { RunRecord, RunRequest, SessionRecord, Target } from "../../../../src/sessions/records.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";
import { FakeProvider } from "../../../fakes/fake-provider.ts";

const MINUTE_MS = 60_000;
/** How long before a limit ending begins. */
const LEAD_MS = 15_000;
/** One dollar an hour. */
const PRICES = { "modal/cpu": 0.5, "modal/memory": 0, "modal/gpu/H100": 2 };
const MODAL: Target = { ...DEFAULT_TARGET, providerId: "modal", cpus: 2, lifetimeMs: 10 * 60 * MINUTE_MS };
const UNPRICED: Target = { ...MODAL, gpu: "RARE" };

class GpuProvider extends FakeProvider {
  checkError: SandboxError | undefined;

  override async check(): Promise<void> {
    if (this.checkError) throw this.checkError;
  }

  override gpuTiers = async () => ["H100", "RARE"].map((id) => ({ id, title: id }));
}

let bench: EngineBench;
let provider: GpuProvider;
let clock: FakeClock;

beforeEach(async () => {
  // Noon: no midnight comes in between.
  clock = new FakeClock(new Date().setHours(12, 0, 0, 0));
  bench = await EngineBench.create({ clock }, (root) => {
    provider = new GpuProvider(root);
    return provider;
  });
  await setPolicy({});
});

afterEach(async () => {
  await bench.dispose();
});

async function setPolicy(policy: Partial<CostPolicy>): Promise<void> {
  await bench.engine.setCostPolicy({ perRunUsd: 0, perDayUsd: 0, prices: PRICES, ...policy });
}

async function start(target: Target = MODAL): Promise<SessionRecord> {
  return await bench.engine.startSession(bench.workspace, target);
}

async function find(id: string | undefined): Promise<SessionRecord | undefined> {
  return (await bench.engine.listSessions()).find((session) => session.id === id);
}

/** A run that goes on until it is stopped. */
async function startSleeping(changes: Partial<RunRequest> = {}): Promise<RunRecord> {
  const command = { kind: "line", line: "echo > up; exec sleep 60" } as const;
  const { id } = await bench.engine.startRun(bench.toRequest(command, { target: MODAL, ...changes }));
  const run = await bench.waitFor(id, ({ state }) => state === "running");
  const files = [...provider.sandboxes.values()].map(({ folder }) => join(folder, "workspace", "up"));
  await expect.poll(() => files.some((file) => existsSync(file))).toBe(true);
  return run;
}

describe("the budget of a day", () => {
  it("counts sandboxes that are being started at the same time, and every one of a batch", async () => {
    await setPolicy({ perDayUsd: 3 / 60 });

    const starts = await Promise.allSettled([1, 2, 3, 4].map(() => start()));
    const request = bench.toRequest({ kind: "line", line: "true" }, { target: MODAL });

    expect(starts.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    await expect(bench.engine.startBatch(request, { count: 9 })).rejects.toMatchObject({ code: "blocked" });
  });

  it("is not passed: ending begins before", async () => {
    await setPolicy({ perDayUsd: 0.5 });
    const { id } = await start();

    clock.advance(30 * MINUTE_MS - LEAD_MS);

    await expect.poll(async () => (await find(id))?.state).toBe("ended");
    expect((await bench.engine.readCosts()).todayUsd).toBeLessThan(0.5);
  });

  it("keeps the engine at it while something costs", async () => {
    const { id } = await start();
    expect(bench.engine.isBusy).toBe(false);
    await setPolicy({ perDayUsd: 5 });
    expect(bench.engine.isBusy).toBe(true);

    await bench.engine.destroySession(id);

    expect(bench.engine.isBusy).toBe(false);
  });
});

describe("a policy that cannot be read", () => {
  it("may hold a budget: nothing that costs is started until it is set again", async () => {
    await bench.engine.dispose();
    await writeFile(join(bench.state.root, "cost-policy.json"), '{"version":2}');
    await bench.restart({ clock });
    await bench.restart({ clock });

    await expect(start()).rejects.toMatchObject({ code: "blocked" });
    expect((await bench.runLine("true")).run.exit).toEqual({ kind: "exited", code: 0 });
    await setPolicy({});
    expect(await start()).toMatchObject({ state: "ready" });
  });
});

describe("the budget of a run", () => {
  it("leaves the sandbox to the other runs in it", async () => {
    const limited = await startSleeping({ budgetUsd: 0.05 });
    const other = await startSleeping();
    expect(other.sessionId).toBe(limited.sessionId);

    clock.advance(3 * MINUTE_MS - LEAD_MS);

    expect((await bench.finish(limited.id)).run).toMatchObject({ stopReason: "budget" });
    expect(await find(other.sessionId)).toMatchObject({ state: "ready" });
    await bench.engine.stopRun(other.id, true);
  });

  it("is refused where the price is not known, at the request and in a session that is there already", async () => {
    const request = bench.toRequest({ kind: "line", line: "true" }, { target: UNPRICED, budgetUsd: 1 });
    await expect(bench.engine.startRun(request)).rejects.toMatchObject({ code: "blocked" });

    const run = await startSleeping({ target: UNPRICED });
    expect(run.notes?.join()).toMatch(/What this sandbox costs is not known/);
    await setPolicy({ perRunUsd: 1 });

    expect((await bench.finish(run.id)).run).toMatchObject({ stopReason: "budget", error: { code: "blocked" } });
  });
});

describe("GPUs", () => {
  it("are waited for at nobody's expense", async () => {
    let creations = 0;
    provider.onStep = (step) => {
      if (step !== "create" || ++creations > 1) return;
      clock.advance(20 * MINUTE_MS);
      throw new SandboxError("capacity", "There is none free.");
    };

    await start({ ...MODAL, gpu: "H100", gpuFallbacks: ["cpu"] });
    clock.advance(30 * MINUTE_MS);

    expect((await bench.engine.readCosts()).todayUsd).toBeCloseTo(0.5, 9);
  });

  it("come with the reason when none can be had", async () => {
    provider.checkError = new SandboxError("auth", "Sign in to Modal first.");

    const offers = await bench.engine.listGpus(MODAL);

    expect(offers.map(({ disabledBecause }) => disabledBecause)).toEqual([
      "Sign in to Modal first.",
      "Sign in to Modal first.",
    ]);
  });
});
