import { describe } from "vitest";
import { hasGvisor } from "../rig/docker/daemon.ts";
import { newProvider, newSpec, useTestDaemon } from "../rig/docker/harness.ts";
import { testProviderContract } from "./provider-contract.ts";

useTestDaemon();

const spec = newSpec({ name: "contract", memoryMiB: 512, cpus: 2, maxProcesses: 100, lifetimeMs: 600_000 });

testProviderContract("docker (runc)", { newProvider, spec: { ...spec, env: { FROM_SPEC: "yes" } } });

describe.runIf(hasGvisor())("with gVisor", () => {
  testProviderContract("docker (gVisor)", {
    newProvider: () => newProvider({ boundary: "gvisor" }),
    spec: { ...spec, env: { FROM_SPEC: "yes" } },
    cannot: { surviveMemory: "its memory is that of one process on the host, gVisor's kernel" },
  });
});
