import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { createLocalProvider } from "../../src/providers/local/local-provider.ts";
import { testProviderContract } from "./provider-contract.ts";

const stateFolder = mkdtempSync(join(tmpdir(), "sandpiper-gvisor-"));

afterAll(() => {
  rmSync(stateFolder, { recursive: true, force: true });
});

testProviderContract("local (gVisor)", {
  newProvider: () =>
    createLocalProvider({ boundary: "gvisor" }, { stateFolder, env: process.env, platform: process.platform }),
  spec: {
    name: "contract",
    labels: { "contract.suite": "local-gvisor" },
    network: "none",
    memoryMiB: 1024,
    cpus: 2,
    maxProcesses: 100,
    diskMiB: 512,
    lifetimeMs: 10 * 60 * 1000,
    env: { FROM_SPEC: "yes" },
  },
  cannot: {
    limitProcesses: "gVisor gives each process memory of its own kernel's; the memory limit is what ends a fork bomb",
    endTerminalInput: "the terminals of gVisor 20221219 have no end-of-file character",
  },
});
