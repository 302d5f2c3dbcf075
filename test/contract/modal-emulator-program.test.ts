import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectedSdk, connectSdk, run } from "../emulators/modal/sdk.ts";

const PROGRAM = new URL("../emulators/modal/serve.ts", import.meta.url).pathname;
let program: ChildProcess;
let stateFolder: string;
let places: { readonly url: string; readonly controlUrl: string };
let sdk: ConnectedSdk;

beforeAll(async () => {
  stateFolder = await mkdtemp(path.join(tmpdir(), "modal-emulator-state-"));
  const argv = [PROGRAM, "--state", stateFolder, "--gpu", "B200=0"];
  program = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  places = await readPlaces(program);
  sdk = await connectSdk(places);
});

afterAll(() => {
  sdk.modal.close();
  program.kill();
});

describe("the emulated Modal as a program", () => {
  it("serves the SDK, and its books to whoever asks", async () => {
    const sandbox = await sdk.newSandbox({ tags: { of: "program" } });
    expect((await run(sandbox, ["echo", "hello"])).stdout).toBe("hello\n");

    const books = await (await fetch(`${places.controlUrl}/books`)).json();

    expect(books).toMatchObject({
      sandboxes: [{ id: sandbox.sandboxId, tags: { of: "program" }, commands: ["echo hello"], isAlive: true }],
      calls: { SandboxCreateV2: 1, TaskExecStart: 1 },
      leaked: [sandbox.sandboxId],
    });
  });

  it("takes orders to fail, to end sandboxes, and about GPUs", async () => {
    const sandbox = await sdk.newSandbox();
    await order({ inject: { kind: "error", method: "SandboxCreateV2", code: "PERMISSION_DENIED" } });
    await order({ expire: sandbox.sandboxId, setGpus: { type: "B200", count: 1 } });

    await expect(sdk.newSandbox()).rejects.toMatchObject({ code: 7 });
    expect(await sandbox.poll()).toBe(124);
    await expect(sdk.newSandbox({ gpu: "B200" })).resolves.toBeDefined();
    expect((await order({ expire: "sb-none" })).status).toBe(500);
  });

  it("refuses and accepts connections as it is told", async () => {
    await order({ connections: "refuse" });
    await expect(fetch(places.url)).rejects.toThrow("fetch failed");

    await order({ connections: "accept" });

    await expect(sdk.newSandbox()).resolves.toBeDefined();
  });

  it("leaves nothing behind when a terminal interrupts it", async () => {
    const sandbox = await sdk.newSandbox({ experimentalOptions: { enable_exit_snapshot: true } });
    await run(sandbox, ["true"]);
    const exited = once(program, "exit");

    process.kill(-(program.pid ?? 0), "SIGINT");

    expect(await exited).toEqual([0, null]);
    expect(await readdir(stateFolder)).toEqual([]);
    await rmdir(stateFolder);
  });
});

function order(what: object): Promise<Response> {
  return fetch(`${places.controlUrl}/orders`, { method: "POST", body: JSON.stringify(what) });
}

async function readPlaces({ stdout }: ChildProcess): Promise<{ url: string; controlUrl: string }> {
  if (!stdout) throw new Error("The program has no output.");
  const lines = createInterface(stdout)[Symbol.asyncIterator]();
  return JSON.parse(String((await lines.next()).value));
}
