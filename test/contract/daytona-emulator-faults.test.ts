import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "@daytona/sdk";
import { type DaytonaEmulator, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import { type ConnectedSdk, connectSdk } from "../emulators/daytona/sdk.ts";

let emulator: DaytonaEmulator;
let sdk: ConnectedSdk;
let sandbox: Sandbox;

const EXECUTE = "POST /toolbox/process/execute";
const CREATE = "POST /api/sandbox";
const GET = "GET /api/sandbox/:sandbox";
const LOGS = "WS /toolbox/process/session/:session/command/:command/logs";

beforeAll(async () => {
  emulator = await startDaytonaEmulator();
  sdk = await connectSdk(emulator);
  sandbox = await sdk.newSandbox();
});

afterEach(() => emulator.faults.clear());

afterAll(async () => {
  await sdk.close();
  await emulator.close();
});

describe("faults of the emulated Daytona", () => {
  it.each([
    [400, "DaytonaValidationError"],
    [401, "DaytonaAuthenticationError"],
    [402, "DaytonaError"],
    [403, "DaytonaAuthorizationError"],
    [404, "DaytonaNotFoundError"],
    [409, "DaytonaConflictError"],
    [410, "DaytonaGoneError"],
    [422, "DaytonaUnprocessableEntityError"],
    [429, "DaytonaRateLimitError"],
    [500, "DaytonaInternalServerError"],
    [502, "DaytonaBadGatewayError"],
    [503, "DaytonaServiceUnavailableError"],
  ])("answer with %i, which the SDK calls %s, once", async (status, name) => {
    emulator.faults.inject({ kind: "error", method: EXECUTE, status, message: "not today" });

    await expect(sandbox.process.executeCommand("true")).rejects.toMatchObject({ name, message: "not today" });
    expect((await sandbox.process.executeCommand("true")).exitCode).toBe(0);
  });

  it("say when to come again", async () => {
    emulator.faults.inject({ kind: "error", method: CREATE, status: 429, retryAfterSecs: 7 });

    await expect(sdk.newSandbox()).rejects.toMatchObject({ headers: { "retry-after": "7" } });
  });

  it("cut connections: the SDK asks again for what may be asked twice, and gives up the rest", async () => {
    emulator.faults.inject({ kind: "cut", method: GET, reset: true, times: 2 });
    emulator.faults.inject({ kind: "cut", method: EXECUTE });
    const before = emulator.books.calls[GET] ?? 0;

    await sandbox.refreshData();
    const executed = sandbox.process.executeCommand("true");

    await expect(executed).rejects.toMatchObject({ name: "DaytonaConnectionError" });
    expect(emulator.books.calls[GET]).toBe(before + 3);
  });

  it("lose the answer to a creation, and the sandbox is there", async () => {
    emulator.faults.inject({ kind: "lose-answer", method: CREATE });

    await expect(sdk.newSandbox({ name: "unheard" })).rejects.toMatchObject({ name: "DaytonaConnectionError" });

    expect((await sdk.daytona.get("unheard")).name).toBe("unheard");
  });

  it("break a log in its middle, which can be followed again from its beginning", async () => {
    await sandbox.process.createSession("broken");
    const order = { command: "echo first; read line; echo last", runAsync: true, suppressInputEcho: true };
    const { cmdId } = await sandbox.process.executeSessionCommand("broken", order);
    emulator.faults.inject({ kind: "cut-stream", method: LOGS, afterBytes: 140 });
    await sandbox.process.getSessionCommandLogs("broken", cmdId, ignore, ignore);
    expect((await sandbox.process.getSessionCommand("broken", cmdId)).exitCode).toBeUndefined();
    let heard = "";

    const again = sandbox.process.getSessionCommandLogs("broken", cmdId, (chunk) => void (heard += chunk), ignore);
    await sandbox.process.sendSessionCommandInput("broken", cmdId, "go");
    await again;

    expect(heard).toBe("first\nlast\n");
  });

  it("break a download in its middle", async () => {
    await sandbox.fs.uploadFile(Buffer.alloc(500_000), "/tmp/large");
    emulator.faults.inject({ kind: "cut-stream", method: "POST /toolbox/files/bulk-download", afterBytes: 100_000 });

    await expect(sandbox.fs.downloadFile("/tmp/large")).rejects.toThrow();
  });

  it("end a connection on which nothing happens, as gateways do", async () => {
    emulator.faults.inject({ kind: "idle-timeout", method: EXECUTE, ms: 200 });

    await expect(sandbox.process.executeCommand("sleep 30")).rejects.toMatchObject({ name: "DaytonaConnectionError" });
  });

  it("let a call wait", async () => {
    emulator.faults.inject({ kind: "delay", method: GET, ms: 300 });
    const before = performance.now();

    await sandbox.refreshData();

    expect(performance.now() - before).toBeGreaterThan(250);
  });

  it("let a start, a build and a snapshot fail", async () => {
    emulator.faults.inject({ kind: "fail-start", method: CREATE, reason: "no runner" });
    await expect(sdk.newSandbox()).rejects.toThrow("failed to start with status: error");
    emulator.faults.inject({ kind: "fail-build", method: CREATE, reason: "no such image" });
    await expect(sdk.daytona.create({ image: "gone:1" })).rejects.toThrow("failed to start with status: build_failed");
    emulator.faults.inject({ kind: "fail-snapshot", method: "POST /api/sandbox/:sandbox/snapshot", reason: "disk" });

    await sandbox.createSnapshot("failed");

    expect(await sdk.daytona.snapshot.get("failed")).toMatchObject({ state: "error", errorReason: "disk" });
  });

  it("refuse all connections, and sandboxes run on", async () => {
    await sandbox.process.createSession("outlives");
    await sandbox.process.executeSessionCommand("outlives", { command: "NAME=kept" });

    emulator.refuseConnections();
    const refused = sandbox.process.executeCommand("true");
    await expect(refused).rejects.toMatchObject({ name: "DaytonaConnectionError" });
    await emulator.acceptConnections();

    const { stdout } = await sandbox.process.executeSessionCommand("outlives", { command: "echo $NAME" });
    expect(stdout).toBe("kept\n");
  });

  it("do not let in who has no key", async () => {
    const stranger = await connectSdk(emulator, "dtn_unknown");

    await expect(stranger.newSandbox()).rejects.toMatchObject({ name: "DaytonaAuthenticationError" });
    const toolbox = await fetch(`${emulator.url.replace(/api$/, "toolbox")}/${sandbox.id}/work-dir`);

    await stranger.close();
    expect(toolbox.status).toBe(401);
  });
});

function ignore(): void {}
