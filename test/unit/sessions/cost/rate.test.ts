import { describe, expect, it } from "vitest";
import { PRICES } from "../../../../src/sessions/cost/prices.ts";
import { parseGpu, toRate } from "../../../../src/sessions/cost/rate.ts";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { Target } from "../../../../src/sessions/records.ts";

const MODAL: Target = { ...DEFAULT_TARGET, providerId: "modal", cpus: 2, memoryMiB: 4096 };
const CPU = 2 * 0.00003942 * 3600;
const MEMORY = 4 * 0.00000667 * 3600;

describe("the rate of a sandbox", () => {
  it("is that of its GPUs, its processors and its memory", () => {
    expect(toRate(MODAL, "H100:2", {})?.usdPerHour).toBeCloseTo(2 * 0.001097 * 3600 + CPU + MEMORY, 10);
    expect(toRate(MODAL, undefined, {})?.usdPerHour).toBeCloseTo(CPU + MEMORY, 10);
    expect(toRate(MODAL, "cpu", {})?.usdPerHour).toBeCloseTo(CPU + MEMORY, 10);
  });

  it("is higher where the region may be chosen", () => {
    const inEurope = { ...MODAL, options: { regions: "eu-west" } };
    expect(toRate(inEurope, "T4", {})?.usdPerHour).toBeCloseTo(1.75 * (toRate(MODAL, "T4", {})?.usdPerHour ?? 0), 10);
  });

  it("goes by the user's own prices", () => {
    const own = { "modal/gpu/H100": 1, "modal/cpu": 0, "modal/memory": 0 };
    expect(toRate(MODAL, "H100", own)?.usdPerHour).toBe(1);
  });

  it("is unknown with a GPU whose price is, and nothing on this machine", () => {
    expect(toRate(MODAL, "X999", {})).toBeUndefined();
    expect(toRate(MODAL, "X999", { "modal/gpu/X999": 2 })?.usdPerHour).toBeGreaterThan(2);
    expect(toRate(DEFAULT_TARGET, undefined, {})).toBeUndefined();
  });

  it("is known, with a source, for every GPU that Modal documents", () => {
    const tiers = ["T4", "L4", "A10", "L40S", "A100-40GB", "A100-80GB", "RTX-PRO-6000", "H100", "H200", "B200"];
    for (const tier of tiers) expect(PRICES[`modal/gpu/${tier}`]).toMatchObject({ unit: "GPU-hour" });
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
