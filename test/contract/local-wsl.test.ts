import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import { createLocalProvider } from "../../src/providers/local/local-provider.ts";
import type { Host } from "../../src/providers/local/spawn-run.ts";
import { createFakeWsl, type FakeWsl } from "../fakes/fake-wsl.ts";
import { testProviderContract } from "./provider-contract.ts";
import { newCall } from "./run-to-end.ts";

const stateFolder = mkdtempSync(join(tmpdir(), "sandpiper-wsl-"));
const wsl = createFakeWsl();
const contractSpec: SandboxSpec = {
  name: "contract",
  labels: { "contract.suite": "local-wsl" },
  network: "none",
  memoryMiB: 1024,
  cpus: 2,
  maxProcesses: 100,
  diskMiB: 512,
  lifetimeMs: 10 * 60 * 1000,
  env: { FROM_SPEC: "yes" },
};
const newProvider = (host: Host): Provider =>
  createLocalProvider({}, { stateFolder, env: { SystemRoot: "C:\\Windows" }, platform: "win32" }, host);

afterAll(() => {
  wsl.remove();
  rmSync(stateFolder, { recursive: true, force: true });
});

// All of it but wsl.exe itself, which needs Windows.
testProviderContract("local (as on Windows)", {
  newProvider: () => newProvider(wsl.host),
  spec: contractSpec,
});

describe("a sandbox in WSL", () => {
  let fresh: FakeWsl;
  beforeEach(() => {
    fresh = createFakeWsl();
  });
  afterEach(() => {
    fresh.remove();
  });

  it("leaves nothing of a command or its environment on the command line, and nothing behind", async () => {
    const sandbox = await newProvider(fresh.host).create(contractSpec, newCall());
    const inner = join(fresh.home, ".local/state/sandpiper/local", sandbox.id);
    const process = await sandbox.exec({ argv: ["printenv", "FROM_SPEC"] }, newCall());
    const output: Uint8Array[] = [];
    for await (const chunk of process.stdout) output.push(chunk);

    expect(Buffer.concat(output).toString()).toBe("yes\n");
    expect(await process.exit).toEqual({ kind: "exited", code: 0 });
    for (const { argv, env: seen } of fresh.started) {
      expect(argv.slice(0, 4)).toEqual(["C:\\Windows\\System32\\wsl.exe", "--cd", "/", "--exec"]);
      expect(["-s", `${inner}/enter.sh`]).toContain(argv.at(-1));
      expect(seen).toEqual({ SystemRoot: "C:\\Windows", WSLENV: "", WSL_UTF8: "1" });
    }
    expect(existsSync(inner)).toBe(true);

    await sandbox.destroy(newCall());

    expect(existsSync(inner)).toBe(false);
  });

  it("is gone from the distribution when its creation fails on Windows", async () => {
    const controller = new AbortController();
    const host: Host = {
      ...fresh.host,
      spawn: async (...request) => {
        const spawned = await fresh.host.spawn(...request);
        // The second is the one that makes the folders.
        if (fresh.started.length === 2)
          spawned.gone.then(
            () => controller.abort(),
            () => {},
          );
        return spawned;
      },
    };

    await expect(newProvider(host).create(contractSpec, { ...newCall(), signal: controller.signal })).rejects.toThrow(
      "abort",
    );

    expect(readdirSync(join(fresh.home, ".local/state/sandpiper/local"))).toEqual([]);
    expect(readdirSync(join(stateFolder, "sandboxes"))).toEqual([]);
  });

  it("is ended by the distribution for what it writes, and says so", async () => {
    const sandbox = await newProvider(fresh.host).create({ ...contractSpec, diskMiB: 16 }, newCall());
    const writers = "for name in a b c; do head -c 15M /dev/zero >$name; done; sleep 30";

    const process = await sandbox.exec({ argv: ["sh", "-c", writers] }, newCall());

    const status = await process.exit;
    expect(status.kind === "lost" && status.reason).toContain("limit of 16 MiB");
    await sandbox.destroy(newCall());
  }, 20_000);

  it("is removed from the distribution when its time has come and nobody here holds it", async () => {
    const sandbox = await newProvider(fresh.host).create({ ...contractSpec, lifetimeMs: 1 }, newCall());

    const listed = [];
    for await (const summary of newProvider(fresh.host).list(newCall())) listed.push(summary.id);

    expect(listed).not.toContain(sandbox.id);
    expect(readdirSync(join(fresh.home, ".local/state/sandpiper/local"))).toEqual([]);
  });
});
