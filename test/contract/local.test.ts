import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { SandboxSpec } from "../../src/core/provider.ts";
import { createLocalProvider } from "../../src/providers/local/local-provider.ts";
import { testProviderContract } from "./provider-contract.ts";
import { newCall, runToEnd } from "./run-to-end.ts";

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

it("shows a toolchain that lies in /tmp, which a sandbox has to itself", async () => {
  const tools = mkdtempSync("/tmp/sandpiper-tools-");
  mkdirSync(join(tools, "bin"));
  const program = join(tools, "bin", "python3");
  writeFileSync(program, "#!/bin/sh\necho from here\n");
  chmodSync(program, 0o755);
  chmodSync(tools, 0o755);
  const env = { ...process.env, PATH: `${join(tools, "bin")}:/usr/bin:/bin` };
  const sandbox = await createLocalProvider({}, { stateFolder, env, platform: process.platform }).create(
    spec,
    newCall(),
  );
  try {
    expect(await runToEnd(sandbox, ["python3"])).toMatchObject({ stdout: "from here\n", status: { code: 0 } });
  } finally {
    await sandbox.destroy(newCall());
    rmSync(tools, { recursive: true, force: true });
  }
});
