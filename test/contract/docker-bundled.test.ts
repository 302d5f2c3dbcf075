import { afterAll, describe, expect, it } from "vitest";
import { TEST_SOCKET } from "../rig/docker/daemon.ts";
import { newSpec, useTestDaemon } from "../rig/docker/harness.ts";
import { bundleProviders } from "./bundle-providers.ts";
import { testProviderContract } from "./provider-contract.ts";

useTestDaemon();
const providers = await bundleProviders();
const deps = { stateFolder: "/nonexistent", env: {}, platform: process.platform };
const docker = await providers.loadProvider("docker", { host: `unix://${TEST_SOCKET}` }, deps);
afterAll(() => providers.remove());

describe("the bundled Docker provider", () => {
  it("has no package to fall back on", () => {
    expect(providers.canResolve("dockerode")).toBe(false);
    expect(import.meta.resolve("dockerode")).toContain("node_modules");
  });
});

testProviderContract("docker, bundled", {
  newProvider: () => docker,
  spec: newSpec({
    name: "bundled",
    memoryMiB: 512,
    cpus: 2,
    maxProcesses: 100,
    lifetimeMs: 600_000,
    env: { FROM_SPEC: "yes" },
  }),
});
