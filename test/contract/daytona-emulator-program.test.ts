import { readdirSync } from "node:fs";
import { GpuType } from "@daytona/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectedSdk, connectSdk } from "../emulators/daytona/sdk.ts";
import { type DaytonaServer, startDaytonaServer } from "../rig/daytona-server.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";

let stateFolder: string;
let server: DaytonaServer;
let sdk: ConnectedSdk;

beforeAll(async () => {
  stateFolder = makeTempFolder();
  server = await startDaytonaServer(["--state", stateFolder, "--gpu", "H200=0"]);
  sdk = await connectSdk(server);
});

afterAll(async () => {
  await sdk.close();
  await server.stop();
  removeFolder(stateFolder);
});

describe("the emulated Daytona as a program", () => {
  it("serves the SDK, and its books to whoever asks", async () => {
    const sandbox = await sdk.newSandbox({ labels: { of: "program" } });
    expect((await sandbox.process.executeCommand("echo hello")).result).toBe("hello\n");

    const records = await server.readSandboxes();

    expect(records).toMatchObject([{ id: sandbox.id, labels: { of: "program" }, commands: ["echo hello"] }]);
  });

  it("takes orders to fail, to stop and end sandboxes, and about GPUs", async () => {
    const [first, second] = await Promise.all([sdk.newSandbox(), sdk.newSandbox()]);
    const gpu = { resources: { gpu: 1, gpuType: GpuType.H200 }, ephemeral: true };
    await expect(sdk.newSandbox(gpu)).rejects.toThrow("No available runners with GPU type: H200.");
    await server.order({ inject: { kind: "error", method: "POST /api/sandbox", status: 403 } });
    await server.order({ expire: first.id, autoStop: second.id, setGpus: { type: "H200", count: 1 } });

    await expect(sdk.newSandbox()).rejects.toMatchObject({ statusCode: 403 });
    await expect(sdk.daytona.get(first.id)).rejects.toMatchObject({ statusCode: 404 });
    expect((await sdk.daytona.get(second.id)).state).toBe("stopped");
    await expect(sdk.newSandbox(gpu)).resolves.toMatchObject({ gpuType: "H200" });
    await expect(server.order({ expire: "none" })).rejects.toThrow("not found");
  });

  it("refuses and accepts connections as it is told", async () => {
    await server.order({ connections: "refuse" });
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");

    await server.order({ connections: "accept" });

    await expect(sdk.newSandbox()).resolves.toBeDefined();
  });

  it("leaves nothing behind when it is stopped", async () => {
    await sdk.newSandbox();

    await server.stop();

    expect(readdirSync(stateFolder)).toEqual([]);
  });
});
