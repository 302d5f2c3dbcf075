import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { createLocalProvider } from "../../src/providers/local/local-provider.ts";
import { testGvisorContract } from "./gvisor-contract.ts";

const stateFolder = mkdtempSync(join(tmpdir(), "sandpiper-gvisor-"));

afterAll(() => {
  rmSync(stateFolder, { recursive: true, force: true });
});

testGvisorContract("local (gVisor)", () =>
  createLocalProvider({ boundary: "gvisor" }, { stateFolder, env: process.env, platform: process.platform }),
);
