import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { SandboxSpec } from "../../src/core/provider.ts";
import { createLocalProvider } from "../../src/providers/local/local-provider.ts";
import { testProviderContract } from "./provider-contract.ts";

const stateFolder = mkdtempSync(join(tmpdir(), "sandpiper-local-"));
const spec: SandboxSpec = {
  name: "contract",
  labels: { "contract.suite": "local" },
  network: "none",
  memoryMiB: 1024,
  cpus: 2,
  maxProcesses: 100,
  diskMiB: 512,
  lifetimeMs: 10 * 60 * 1000,
  env: { FROM_SPEC: "yes" },
};

afterAll(() => {
  rmSync(stateFolder, { recursive: true, force: true });
});

testProviderContract("local (bubblewrap)", {
  newProvider: () => createLocalProvider({}, { stateFolder, env: process.env, platform: process.platform }),
  spec,
});
