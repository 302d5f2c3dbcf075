import { describe, expect, it } from "vitest";
import type { SandboxSpec } from "../../../../src/core/provider.ts";
import { checkModalSpec, toCreateParams, toUniqueName } from "../../../../src/providers/modal/create-params.ts";
import { GPU_TIERS, toGpu } from "../../../../src/providers/modal/gpu-tiers.ts";
import { parseModalOptions } from "../../../../src/providers/modal/modal-options.ts";
import { readTags, toFacts, toTags } from "../../../../src/providers/modal/tags.ts";

const SPEC: SandboxSpec = {
  name: "a-name",
  labels: { workspace: "w1" },
  network: "full",
  memoryMiB: 512,
  cpus: 2,
  maxProcesses: 100,
  diskMiB: 1024,
  lifetimeMs: 60_000,
  env: { A: "1" },
};
const NOW = Date.UTC(2026, 0, 1);
const MADE = { creation: "c1", canPause: false };

function toParams(change: Partial<SandboxSpec>, options: Record<string, string> = {}) {
  const spec = { ...SPEC, ...change };
  const parsed = parseModalOptions(options);
  checkModalSpec(spec, parsed);
  return toCreateParams(spec, { options: parsed, facts: toFacts(spec, NOW, MADE), secrets: [] });
}

describe("the parameters of a sandbox at Modal", () => {
  it("always have processors and memory, as what is kept ready and as the limit", () => {
    expect(toParams({ cpus: 0.25, memoryMiB: 128 })).toMatchObject({
      cpu: 0.25,
      cpuLimit: 0.25,
      memoryMiB: 128,
      memoryLimitMiB: 128,
    });
  });

  it.each([
    [1, 1000],
    [1000, 1000],
    [1001, 2000],
    [24 * 60 * 60 * 1000, 24 * 60 * 60 * 1000],
  ])("round a lifetime of %i ms up to whole seconds", (lifetimeMs, timeoutMs) => {
    expect(toParams({ lifetimeMs }).timeoutMs).toBe(timeoutMs);
  });

  it("block the network, or leave it open", () => {
    expect(toParams({ network: "none" })).toMatchObject({ blockNetwork: true });
    expect(toParams({ network: "none", allowedHosts: ["pypi.org"] })).not.toHaveProperty("outboundDomainAllowlist");
    expect(toParams({ network: "full" })).not.toHaveProperty("blockNetwork");
  });

  it("tell domains from addresses in an allow-list", () => {
    const allowedHosts = ["pypi.org", "*.pypi.org", "10.0.0.0/8", "1.2.3.4", "2001:db8::/32", "::1", "localhost"];

    expect(toParams({ network: "allow-list", allowedHosts })).toMatchObject({
      outboundDomainAllowlist: ["pypi.org", "*.pypi.org", "localhost"],
      outboundCidrAllowlist: ["10.0.0.0/8", "1.2.3.4/32", "2001:db8::/32", "::1/128"],
    });
  });

  it("let nothing out with an empty allow-list", () => {
    expect(toParams({ network: "allow-list" })).toMatchObject({
      outboundDomainAllowlist: [],
      outboundCidrAllowlist: [],
    });
  });

  it.each(["https://pypi.org", "a b", "10.0.0.0/33", "10.0.0/8", "pypi.org:443", "*", "a..b", "::/129", ""])(
    "refuse to allow %j",
    (host) => {
      expect(() => toParams({ network: "allow-list", allowedHosts: [host] })).toThrow(
        expect.objectContaining({ code: "invalid" }),
      );
    },
  );

  it.each([0, -1, 65_536, 1.5])("refuse the port %d", (port) => {
    expect(() => toParams({ ports: [port] })).toThrow(expect.objectContaining({ code: "invalid" }));
  });

  it("ask for exit snapshots, memory snapshots, regions and a cloud only where the target does", () => {
    const plain = toParams({});
    const all = toParams({}, { exitSnapshot: "true", memorySnapshot: "true", regions: "eu", cloud: "gcp" });

    for (const name of [
      "experimentalOptions",
      "experimentalEnableSnapshot",
      "regions",
      "cloud",
      "gpu",
      "encryptedPorts",
    ])
      expect(plain).not.toHaveProperty(name);
    expect(all).toMatchObject({
      experimentalOptions: { enable_exit_snapshot: true },
      experimentalEnableSnapshot: true,
      regions: ["eu"],
      cloud: "gcp",
    });
  });

  it("name no two sandboxes alike, within Modal's length", () => {
    const names = [toUniqueName("x".repeat(63)), toUniqueName("x".repeat(63)), toUniqueName("short")];

    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]{1,63}$/);
  });
});

describe("the GPUs of Modal", () => {
  it("are asked for by their name, with a count from 2 on", () => {
    expect(toGpu("H100")).toBe("H100");
    expect(toGpu("H100:1")).toBe("H100");
    expect(toGpu("A10:4")).toBe("A10:4");
  });

  it.each([
    ["A10:5", "invalid"],
    ["H100:0", "invalid"],
    ["H100:9", "invalid"],
    ["H100:x", "invalid"],
    ["h100", "unsupported"],
    ["H100:2:2", "unsupported"],
    ["", "unsupported"],
  ])("refuse %j as %s", (gpu, code) => {
    expect(() => toGpu(gpu)).toThrow(expect.objectContaining({ code }));
  });

  it("each have their memory and a most", () => {
    expect(GPU_TIERS.map(({ id }) => id)).toEqual(
      "T4 L4 A10 L40S A100-40GB A100-80GB RTX-PRO-6000 H100 H200 B200".split(" "),
    );
    for (const { vramGiB, maxCount } of GPU_TIERS) expect(Math.min(vramGiB ?? 0, maxCount ?? 0)).toBeGreaterThan(1);
  });
});

describe("the tags of a sandbox at Modal", () => {
  it("bring back what is known of it", () => {
    const facts = toFacts({ ...SPEC, lifetimeMs: 1500 }, NOW, { creation: "c1", canPause: true });

    expect(readTags(toTags(facts))).toEqual(facts);
    expect(facts.expiresAt).toEqual(new Date(NOW + 2000));
  });

  it("are not taken from a sandbox that is none of ours, or whose tags are no use", () => {
    expect(readTags({})).toBeUndefined();
    expect(readTags({ "sandpiper.sandbox": "1" })).toBeUndefined();
    expect(readTags({ ...toTags(toFacts(SPEC, NOW, MADE)), "sandpiper.sandbox": "0" })).toBeUndefined();
  });

  it("can't be forged by a label", () => {
    const labels = { "sandpiper.sandbox": "0", "sandpiper.name": "other" };

    expect(readTags(toTags(toFacts({ ...SPEC, labels }, NOW, MADE)))).toMatchObject({ name: "a-name", labels });
  });
});
