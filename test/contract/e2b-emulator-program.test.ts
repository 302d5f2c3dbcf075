import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectedSdk, connectSdk, run } from "../emulators/e2b/sdk.ts";
import { type E2bServer, startE2bServer } from "../rig/e2b-server.ts";

const PROGRAM = new URL("../emulators/e2b/serve.ts", import.meta.url).pathname;
let server: E2bServer;
let sdk: ConnectedSdk;

beforeAll(async () => {
  server = await startE2bServer();
  sdk = connectSdk(server);
});

afterAll(() => server.stop());

describe("the emulated E2B as a program", () => {
  it("serves the SDK, and its books to whoever asks", async () => {
    const sandbox = await sdk.newSandbox({ metadata: { of: "program" } });
    expect((await run(sandbox, "echo hello")).stdout).toBe("hello\n");

    const records = await server.readSandboxes();

    expect(records.find(({ id }) => id === sandbox.sandboxId)).toMatchObject({
      metadata: { of: "program" },
      commands: ["/bin/bash -l -c echo hello"],
      state: "running",
    });
  });

  it("takes orders to fail, to forget about it, and to let a sandbox's time be up", async () => {
    const sandbox = await sdk.newSandbox({ lifecycle: { onTimeout: "pause" } });
    const fault = { kind: "error", method: "GetSandbox", status: 503 } as const;
    await server.inject(fault);
    await expect(sandbox.getInfo()).rejects.toMatchObject({ name: "ServiceBusyError" });
    await server.inject(fault);
    await server.clearFaults();

    await server.expire(sandbox.sandboxId);

    expect(await sandbox.getInfo()).toMatchObject({ state: "paused" });
    await expect(server.expire("none")).rejects.toThrow("doesn't exist");
  });

  it("leaves nothing behind when a terminal interrupts it", async () => {
    const state = await mkdtemp(path.join(tmpdir(), "e2b-emulator-state-"));
    const argv = [PROGRAM, "--state", state, "--max-sandboxes", "1"];
    const program = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"], detached: true });
    const lines = createInterface(program.stdout)[Symbol.asyncIterator]();
    const own = connectSdk(JSON.parse(String((await lines.next()).value)));
    const sandbox = await own.newSandbox();
    await run(sandbox, "true");
    await expect(own.newSandbox()).rejects.toThrow("maximum number of concurrent E2B sandboxes (1)");
    const exited = once(program, "exit");

    process.kill(-(program.pid ?? 0), "SIGINT");

    expect(await exited).toEqual([0, null]);
    expect(await readdir(state)).toEqual([]);
    await rmdir(state);
  });
});
