import { describe, expect, it } from "vitest";
import { PRICES } from "../../../../src/sessions/cost/prices.ts";
import { isSizedByImage, parseGpu, type Size, toAskedSize, toRate } from "../../../../src/sessions/cost/rate.ts";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { Target } from "../../../../src/sessions/records.ts";

const MODAL: Target = { ...DEFAULT_TARGET, providerId: "modal", cpus: 2, memoryMiB: 4096 };

function rateOf(
  target: Target,
  gpu?: string,
  { prices = {}, size = target }: { readonly prices?: Readonly<Record<string, number>>; readonly size?: Size } = {},
): number | undefined {
  return toRate({ target, gpu, size }, prices)?.usdPerHour;
}

const CPU = 2 * 0.00003942 * 3600;
const MEMORY = 4 * 0.00000667 * 3600;

describe("the rate of a sandbox", () => {
  it("is that of its GPUs, its processors and its memory", () => {
    expect(rateOf(MODAL, "H100:2")).toBeCloseTo(2 * 0.001097 * 3600 + CPU + MEMORY, 10);
    expect(rateOf(MODAL)).toBeCloseTo(CPU + MEMORY, 10);
    expect(rateOf(MODAL, "cpu")).toBeCloseTo(CPU + MEMORY, 10);
  });

  it("is higher where the region may be chosen", () => {
    const inEurope = { ...MODAL, options: { regions: "eu-west" } };
    expect(rateOf(inEurope, "T4")).toBeCloseTo(1.75 * (rateOf(MODAL, "T4") ?? 0), 10);
  });

  it("goes by the user's own prices", () => {
    const own = { "modal/gpu/H100": 1, "modal/cpu": 0, "modal/memory": 0 };
    expect(rateOf(MODAL, "H100", { prices: own })).toBe(1);
  });

  it("is unknown with a GPU whose price is, and nothing on this machine", () => {
    expect(rateOf(MODAL, "X999")).toBeUndefined();
    expect(rateOf(MODAL, "X999", { prices: { "modal/gpu/X999": 2 } })).toBeGreaterThan(2);
    expect(rateOf(DEFAULT_TARGET)).toBeUndefined();
  });

  it("is by what E2B's template gives, whatever was asked for, and without its disk", () => {
    const target: Target = { ...DEFAULT_TARGET, providerId: "e2b", cpus: 64 };
    const size = { cpus: 2, memoryMiB: 512, diskMiB: 10_240 };

    // The vendor's own example.
    expect(rateOf(target, undefined, { size })).toBeCloseTo(0.1089, 10);
    expect(toRate({ target, gpu: undefined, size: undefined }, {})).toBeUndefined();
  });

  it("counts Daytona's disk", () => {
    const target: Target = { ...DEFAULT_TARGET, providerId: "daytona", cpus: 1, memoryMiB: 1024, diskMiB: 10_240 };

    expect(rateOf(target, "H100")).toBeCloseTo(0.001097 * 3600 + 0.0504 + 0.0162 + 10 * 0.000108, 10);
    expect(rateOf(target, "H200")).toBeUndefined();
  });

  it.each([
    ["e2b", { domain: "e2b.example" }],
    ["daytona", { apiUrl: "https://daytona.example/api" }],
  ] as const)("of somebody's own %s server is by their own prices alone", (providerId, options) => {
    const target: Target = { ...DEFAULT_TARGET, providerId, options };
    const prices = { [`${providerId}/cpu`]: 0.01, [`${providerId}/memory`]: 0 };

    expect(rateOf(target)).toBeUndefined();
    expect(rateOf(target, undefined, { prices })).toBeCloseTo(0.02, 10);
  });

  it("says when the oldest price behind it was looked up", () => {
    const ofE2b = toRate(
      { target: { ...DEFAULT_TARGET, providerId: "e2b" }, gpu: undefined, size: DEFAULT_TARGET },
      {},
    );
    expect(ofE2b?.asOf).toBe("2026-08-06");
    expect(toRate({ target: MODAL, gpu: "T4", size: MODAL }, {})?.asOf).toBe("2026-06-27");
  });

  it("is known, with a source, for every GPU that Modal documents", () => {
    const tiers = ["T4", "L4", "A10", "L40S", "A100-40GB", "A100-80GB", "RTX-PRO-6000", "H100", "H200", "B200"];
    for (const tier of tiers) expect(PRICES[`modal/gpu/${tier}`]).toMatchObject({ unit: "GPU-hour" });
  });
});

describe("an image", () => {
  it.each([
    ["e2b", undefined, true],
    ["e2b", "base", true],
    ["daytona", undefined, true],
    ["daytona", "snapshot:mine", true],
    ["daytona", "python:3.12", false],
    ["modal", undefined, false],
  ] as const)("of %s named %s decides what a sandbox has: %s", (providerId, image, decides) => {
    expect(isSizedByImage({ providerId, ...(image === undefined ? {} : { image }) })).toBe(decides);
  });

  it("of Daytona's own choice decides nothing with a GPU, and what is asked for comes in whole GiB", () => {
    const target: Target = { ...DEFAULT_TARGET, providerId: "daytona", cpus: 0.5, memoryMiB: 1500, diskMiB: 100 };

    expect(isSizedByImage(target, "H100")).toBe(false);
    expect(isSizedByImage(target, "cpu")).toBe(true);
    expect(toAskedSize(target)).toEqual({ cpus: 1, memoryMiB: 2048, diskMiB: 1024 });
  });
});

describe("the name of a GPU", () => {
  it("may say how many", () => {
    expect(parseGpu("A100-80GB:8")).toEqual({ id: "A100-80GB", count: 8 });
    expect(parseGpu("B200+")).toEqual({ id: "B200+", count: 1 });
  });

  it.each(["", "H100:0", "H100:", "H100:x", "a b", "H100:2:3", "../x"])("is refused when it is %j", (gpu) => {
    expect(() => parseGpu(gpu)).toThrow(/written as "H100"/);
  });
});
