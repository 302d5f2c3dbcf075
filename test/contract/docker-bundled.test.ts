import { afterAll, describe, expect, it } from "vitest";
import { hasGvisor, TEST_SOCKET } from "../rig/docker/daemon.ts";
import { newSpec, useTestDaemon } from "../rig/docker/harness.ts";
import { bundleProviders } from "./bundle-providers.ts";
import { testProviderContract } from "./provider-contract.ts";

useTestDaemon();
const providers = await bundleProviders();
const deps = { stateFolder: "/nonexistent", env: {}, platform: process.platform };
const load = (options: Record<string, string>) =>
  providers.loadProvider("docker", { host: `unix://${TEST_SOCKET}`, ...options }, deps);
const [docker, gvisor] = await Promise.all([load({}), load({ boundary: "gvisor" })]);
const spec = newSpec({
  name: "bundled",
  memoryMiB: 512,
  cpus: 2,
  maxProcesses: 100,
  lifetimeMs: 600_000,
  env: { FROM_SPEC: "yes" },
});
afterAll(() => providers.remove());

describe("the bundled Docker provider", () => {
  it("has no package to fall back on", () => {
    expect(providers.canResolve("dockerode")).toBe(false);
    expect(import.meta.resolve("dockerode")).toContain("node_modules");
  });
});

testProviderContract("docker (runc), bundled", { newProvider: () => docker, spec });

describe.runIf(hasGvisor())("with gVisor", () => {
  testProviderContract("docker (gVisor), bundled", {
    newProvider: () => gvisor,
    spec,
    cannot: { surviveMemory: "its memory is that of one process on the host, gVisor's kernel" },
  });
});
