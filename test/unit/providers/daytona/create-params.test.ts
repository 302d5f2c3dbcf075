import { describe, expect, it } from "vitest";
import type { SandboxSpec } from "../../../../src/core/provider.ts";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { checkDaytonaSpec, toCreateParams, toMinutes } from "../../../../src/providers/daytona/create-params.ts";
import { parseDaytonaOptions } from "../../../../src/providers/daytona/daytona-options.ts";
import { toGpuRequest } from "../../../../src/providers/daytona/gpu-tiers.ts";
import { readLabels, toFacts, toLabels } from "../../../../src/providers/daytona/labels.ts";

const SPEC: SandboxSpec = {
  name: "name",
  labels: { "a.b": "c" },
  network: "none",
  memoryMiB: 512,
  cpus: 1,
  maxProcesses: 100,
  diskMiB: 512,
  lifetimeMs: 60_000,
  env: {},
};
const toParams = (change: Partial<SandboxSpec>, options: Record<string, string> = {}) => {
  const spec = { ...SPEC, ...change };
  return toCreateParams(spec, toFacts(spec, 0), parseDaytonaOptions(options));
};

function refusalOf(act: () => unknown): SandboxError {
  try {
    act();
  } catch (error) {
    if (error instanceof SandboxError) return error;
  }
  throw new Error("It was not refused.");
}

describe("what Daytona is asked for", () => {
  it.each([
    [1, 1],
    [60_000, 1],
    [60_001, 2],
    [90_000, 2],
  ])("%i ms in whole minutes are %i: never less", (ms, minutes) => {
    expect(toMinutes(ms)).toBe(minutes);
  });

  it("has no sizes where a snapshot decides", () => {
    expect(toParams({})).not.toHaveProperty("resources");
    expect(toParams({ image: "snapshot:own" })).toMatchObject({ snapshot: "own" });
    expect(toParams({ image: "snapshot:own" })).not.toHaveProperty("resources");
  });

  it("has whole processors and GiB with an image", () => {
    expect(toParams({ image: "debian:13", cpus: 0.5, memoryMiB: 1025, diskMiB: 1 })).toMatchObject({
      image: "debian:13",
      resources: { cpu: 1, memory: 2, disk: 1 },
    });
  });

  it("takes an image for a GPU that none was named for, as the default snapshot has none", () => {
    expect(toParams({ gpu: "H200:4" })).toMatchObject({
      image: "python:3.13-slim",
      resources: { gpu: 4, gpuType: "H200" },
      autoDeleteInterval: 0,
    });
  });

  it("asks for what can be taken back only where the target says so, and for GPUs alone", () => {
    expect(toParams({ gpu: "H100" })).not.toHaveProperty("spot");
    expect(toParams({ gpu: "H100" }, { spot: "true" })).toMatchObject({ spot: true });
    expect(toParams({}, { spot: "true" })).not.toHaveProperty("spot");
  });

  it("lets nothing out with an empty list, rather than everything", () => {
    expect(toParams({ network: "allow-list", allowedHosts: [] })).toMatchObject({ networkBlockAll: true });
    expect(toParams({ network: "full" })).not.toHaveProperty("networkBlockAll");
  });

  it("bounds the life of a sandbox also where the server knows no time to live", () => {
    const { autoStopInterval = 0, autoDeleteInterval = -1 } = toParams({ lifetimeMs: 24 * 3_600_000 });

    expect(autoStopInterval).toBeGreaterThan(0);
    expect(autoStopInterval).toBeLessThanOrEqual(60);
    expect(autoDeleteInterval).toBe(24 * 60);
  });
});

describe("what Daytona can't do is refused before anything is made:", () => {
  it.each<[string, Partial<SandboxSpec>, string, RegExp]>([
    ["a GPU with a snapshot", { gpu: "H100", image: "snapshot:own" }, "invalid", /snapshot decides itself/],
    ["a GPU it has not", { gpu: "T4" }, "unsupported", /RTX-PRO-6000/],
    ["too many GPUs", { gpu: "H100:9" }, "invalid", /1 to 8/],
    ["no number of GPUs", { gpu: "H100:x" }, "invalid", /1 to 8/],
    ["an image that is none", { image: "a b" }, "invalid", /is no image/],
    ["a snapshot without a name", { image: "snapshot:" }, "invalid", /is no image/],
    ["addresses of IPv6", { network: "allow-list", allowedHosts: ["2001:db8::/32"] }, "invalid", /IPv6/],
    ["a name without a dot", { network: "allow-list", allowedHosts: ["localhost"] }, "invalid", /localhost/],
    [
      "too many ranges",
      { network: "allow-list", allowedHosts: Array.from({ length: 11 }, (_, index) => `10.${index}.0.0/16`) },
      "invalid",
      /at most 10 ranges/,
    ],
    [
      "too many domains",
      { network: "allow-list", allowedHosts: Array.from({ length: 11 }, (_, index) => `a${index}.example.org`) },
      "invalid",
      /at most 10 domains/,
    ],
  ])("%s", (_what, change, code, message) => {
    const error = refusalOf(() => checkDaytonaSpec({ ...SPEC, ...change }));

    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it("takes every kind of GPU that it lists", () => {
    for (const id of ["H100", "H200", "RTX-PRO-6000", "RTX-4090", "RTX-5090", "MI355X"])
      expect(toGpuRequest(`${id}:8`)).toEqual({ gpu: 8, gpuType: id });
  });
});

describe("labels at Daytona", () => {
  it("bring the facts of a sandbox back, and its user's labels alone", () => {
    const facts = { ...toFacts(SPEC, 1_700_000_000_000), isPaused: true };

    expect(readLabels({ ...toLabels(facts), "code-toolbox-language": "python" })).toEqual(facts);
  });

  it("of somebody else's sandbox say nothing", () => {
    expect(readLabels({})).toBeUndefined();
    expect(readLabels({ "sandpiper.sandbox": "1", "sandpiper.expires": "soon" })).toBeUndefined();
  });
});

describe("options for Daytona", () => {
  it("are none by default", () => {
    expect(parseDaytonaOptions({})).toEqual({ spot: false });
    expect(parseDaytonaOptions({ apiUrl: "", region: " ", autoArchiveMinutes: "", spot: "" })).toEqual({ spot: false });
  });

  it("may name a server of one's own", () => {
    expect(parseDaytonaOptions({ apiUrl: "https://daytona.example.org/api" })).toMatchObject({
      apiUrl: "https://daytona.example.org/api",
    });
  });

  it.each([
    ["apiUrl", "http://daytona.example.org/api"],
    ["apiUrl", "ftp://x"],
    ["region", "a b"],
    ["autoArchiveMinutes", "0"],
    ["autoArchiveMinutes", "1.5"],
    ["autoArchiveMinutes", "100000"],
    ["spot", "yes"],
  ])("refuses %s = %s as invalid, naming it", (name, value) => {
    const error = refusalOf(() => parseDaytonaOptions({ [name]: value }));

    expect(error.code).toBe("invalid");
    expect(error.message).toContain(name);
  });
});
