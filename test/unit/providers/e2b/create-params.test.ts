import { describe, expect, it } from "vitest";
import type { SandboxSpec } from "../../../../src/core/provider.ts";
import { checkE2bSpec, toCreateOptions } from "../../../../src/providers/e2b/create-params.ts";
import { parseE2bOptions } from "../../../../src/providers/e2b/e2b-options.ts";
import { readMetadata, toFacts } from "../../../../src/providers/e2b/metadata.ts";

const SPEC: SandboxSpec = {
  name: "name",
  labels: { "sandpiper.session": "s1" },
  network: "none",
  memoryMiB: 512,
  cpus: 1,
  maxProcesses: 100,
  diskMiB: 512,
  lifetimeMs: 90_500,
  env: { A: "b" },
};

function toOptions(change: Partial<SandboxSpec> = {}, options: Record<string, string> = {}) {
  const spec = { ...SPEC, ...change };
  return toCreateOptions(spec, toFacts(spec, "creation"), parseE2bOptions(options));
}

describe("what E2B is asked for", () => {
  it("always has a lifetime, in whole seconds and never shorter than asked for", () => {
    expect(toOptions().timeoutMs).toBe(91_000);
  });

  it("has labels that can be read back", () => {
    expect(readMetadata(toOptions().metadata ?? {})).toEqual({
      name: "name",
      labels: { "sandpiper.session": "s1" },
      creation: "creation",
      diskMiB: 512,
    });
    expect(readMetadata({ name: "of somebody else" })).toBeUndefined();
  });

  it("has the spec's environment", () => {
    expect(toOptions().envs).toEqual({ LANG: "C.UTF-8", A: "b" });
  });

  it.each<[string, Partial<SandboxSpec>, object]>([
    ["nothing", { network: "none" }, { allowInternetAccess: false, network: { allowPublicTraffic: false } }],
    ["everything", { network: "full" }, { allowInternetAccess: true, network: { allowPublicTraffic: false } }],
    [
      "a list",
      { network: "allow-list", allowedHosts: ["pypi.org", "10.0.0.0/8", "1.2.3.4"] },
      {
        allowInternetAccess: true,
        network: {
          allowOut: ["10.0.0.0/8", "1.2.3.4/32", "pypi.org"],
          denyOut: ["0.0.0.0/0"],
          allowPublicTraffic: false,
        },
      },
    ],
    [
      "an empty list",
      { network: "allow-list", allowedHosts: [] },
      { allowInternetAccess: false, network: { allowPublicTraffic: false } },
    ],
  ])("lets out %s, and nobody in without a token", (_what, change, expected) => {
    const { allowInternetAccess, network } = toOptions(change);

    expect({ allowInternetAccess, network }).toEqual(expected);
  });

  it("ends at its time, or pauses where that is wanted; never to be woken by a request", () => {
    expect(toOptions().lifecycle).toEqual({ onTimeout: "kill" });
    expect(toOptions({}, { autoPause: "true" }).lifecycle).toEqual({ onTimeout: "pause", autoResume: false });
  });
});

describe("a spec", () => {
  it.each<[Partial<SandboxSpec>, string]>([
    [{ gpu: "T4" }, "unsupported"],
    [{ image: "has spaces" }, "invalid"],
    [{ image: "../x" }, "invalid"],
    [{ network: "allow-list", allowedHosts: ["http://pypi.org"] }, "invalid"],
    [{ lifetimeMs: 0 }, "invalid"],
  ])("is refused: %j", (change, code) => {
    expect(() => checkE2bSpec({ ...SPEC, ...change })).toThrow(expect.objectContaining({ code }));
  });

  it.each(["base", "code-interpreter-v1", "team/name:tag", "rki5dems9wqfm4r03t7g:default"])(
    "may name the template %s",
    (image) => {
      expect(() => checkE2bSpec({ ...SPEC, image })).not.toThrow();
    },
  );
});
