import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bundleProviders } from "./bundle-providers.ts";
import { testGvisorContract } from "./gvisor-contract.ts";
import { testProviderContract } from "./provider-contract.ts";

const stateFolder = mkdtempSync(join(tmpdir(), "sandpiper-bundled-"));
const providers = await bundleProviders();
const deps = { stateFolder, env: process.env, platform: process.platform };
const local = await providers.loadProvider("local", {}, deps);
const localGvisor = await providers.loadProvider("local", { boundary: "gvisor" }, deps);
afterAll(() => {
  providers.remove();
  rmSync(stateFolder, { recursive: true, force: true });
});

describe("the bundled local provider", () => {
  it("has no package to fall back on", () => {
    expect(providers.canResolve("@anthropic-ai/sandbox-runtime")).toBe(false);
    expect(providers.canResolve("dockerode")).toBe(false);
  });
});

testProviderContract("local, bundled", {
  newProvider: () => local,
  spec: {
    name: "bundled",
    labels: { "contract.suite": "bundled" },
    network: "none",
    memoryMiB: 512,
    cpus: 2,
    maxProcesses: 100,
    diskMiB: 512,
    lifetimeMs: 600_000,
    env: { FROM_SPEC: "yes" },
  },
});
testGvisorContract("local (gVisor), bundled", () => localGvisor);
