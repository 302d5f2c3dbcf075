import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createLocalProvider } from "../../src/providers/local/local-provider.ts";
import { whyNoGvisor } from "./gvisor-contract.ts";
import { newCall, runToEnd } from "./run-to-end.ts";

const stateFolder = mkdtempSync(join(tmpdir(), "sandpiper-gvisor-"));
const options = { stateFolder, env: process.env, platform: process.platform };
const spec = { name: "restart", labels: {}, network: "none", memoryMiB: 1024, cpus: 1, maxProcesses: 100 } as const;

afterAll(() => {
  rmSync(stateFolder, { recursive: true, force: true });
});

describe("a local sandbox behind gVisor", () => {
  it("starts again although the one before it, which was killed, still holds its socket", async ({ skip }) => {
    const reason = whyNoGvisor();
    if (reason) skip(reason);
    const provider = createLocalProvider({ boundary: "gvisor" }, options);
    const sandbox = await provider.create({ ...spec, diskMiB: 100, lifetimeMs: 600_000, env: {} }, newCall());
    // The abstract name that runsc gives the socket of a container, its closing NUL included.
    const holder = createServer().listen(`\0runsc-sandbox.${sandbox.id}\0`);
    await once(holder, "listening");
    setTimeout(() => holder.close(), 1000);

    const { stdout } = await runToEnd(sandbox, ["echo", "alive"]);

    expect(stdout).toBe("alive\n");
    await sandbox.destroy(newCall());
  });
});
