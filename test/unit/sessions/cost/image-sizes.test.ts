import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ImageOffer } from "../../../../src/core/provider.ts";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import type { Machine, Sandbox } from "../../../../src/core/sandbox.ts";
import type { CostPolicy } from "../../../../src/sessions/cloud-records.ts";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { RunRecord, SessionRecord, Target } from "../../../../src/sessions/records.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";
import { FakeProvider } from "../../../fakes/fake-provider.ts";

/** One dollar per core and hour. */
const PRICES = { "e2b/cpu": 1, "e2b/memory": 0 };
const E2B: Target = { ...DEFAULT_TARGET, providerId: "e2b" };
const NOT_KNOWN = "What a sandbox gets from this image is not known";

/** Lists templates; what their sandboxes get is for itself to say. */
class TemplateProvider extends FakeProvider {
  offers: readonly ImageOffer[] = [
    { id: "small", title: "small", cpus: 2, memoryMiB: 512 },
    { id: "large", title: "large", cpus: 8, memoryMiB: 8192 },
    { id: "unsized", title: "unsized" },
  ];
  machine: Machine = { cpus: 2, memoryMiB: 512 };
  listings = 0;
  listError: SandboxError | undefined;

  async listImages(): Promise<readonly ImageOffer[]> {
    this.listings += 1;
    if (this.listError) throw this.listError;
    return this.offers;
  }

  protected override extend(sandbox: Sandbox): Sandbox {
    return Object.assign(sandbox, { machine: this.machine });
  }
}

let bench: EngineBench;
let provider: TemplateProvider;

beforeEach(async () => {
  bench = await EngineBench.create({}, (root) => (provider = new TemplateProvider(root)));
  await setPolicy({});
});

afterEach(async () => {
  await bench.dispose();
});

async function setPolicy(policy: Partial<CostPolicy>): Promise<void> {
  await bench.engine.setCostPolicy({ perRunUsd: 0, perDayUsd: 0, prices: PRICES, ...policy });
}

async function start(image?: string): Promise<SessionRecord> {
  return await bench.engine.startSession(bench.workspace, { ...E2B, ...(image === undefined ? {} : { image }) });
}

async function run(target: Target, budgetUsd: number): Promise<RunRecord> {
  return (await bench.runLine("true", { target, budgetUsd })).run;
}

describe("where the image decides what a sandbox has", () => {
  it("the estimate goes by what the provider lists, its default first", async () => {
    expect((await bench.engine.estimateRate(E2B))?.usdPerHour).toBe(2);
    expect((await bench.engine.estimateRate({ ...E2B, image: "large" }))?.usdPerHour).toBe(8);
    expect(await bench.engine.estimateRate({ ...E2B, image: "unsized" })).toBeUndefined();
    expect(await bench.engine.estimateRate({ ...E2B, image: "somebody-else's" })).toBeUndefined();
    expect(provider.listings).toBe(1);
  });

  it("there is no estimate while the provider cannot be asked, and one when it can be again", async () => {
    provider.listError = new SandboxError("unavailable", "Not now.");
    expect(await bench.engine.estimateRate(E2B)).toBeUndefined();

    provider.listError = undefined;
    expect((await bench.engine.estimateRate(E2B))?.usdPerHour).toBe(2);
  });

  it("what it costs goes by what it got, and nobody is asked before", async () => {
    provider.machine = { cpus: 4, memoryMiB: 1024 };

    expect((await start("somebody-else's")).rate?.usdPerHour).toBe(4);
    expect(provider.listings).toBe(0);
    expect((await bench.engine.readCosts()).isPartial).toBe(false);
  });

  it("a budget holds, and nothing is started that cannot be held to it", async () => {
    await setPolicy({ perDayUsd: 1, prices: { ...PRICES, "e2b/cpu": 10 } });

    await expect(start("unsized")).rejects.toThrow(NOT_KNOWN);
    await expect(start("large")).rejects.toThrow("no room");
    expect(provider.createdSpecs).toEqual([]);
    expect((await start()).rate?.usdPerHour).toBe(20);
  });

  it("a run's own budget is refused where the size is not known, and why it cannot be asked is said", async () => {
    await expect(run({ ...E2B, image: "unsized" }, 1)).rejects.toThrow(NOT_KNOWN);
    expect((await run(E2B, 1)).exit).toEqual({ kind: "exited", code: 0 });

    await bench.restart();
    provider.listError = new SandboxError("auth", "Sign in.");
    await expect(run(E2B, 1)).rejects.toThrow("Sign in.");
  });
});
