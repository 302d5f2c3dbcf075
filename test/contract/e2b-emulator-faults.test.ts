import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { EMULATOR_KEY, type E2bEmulator, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { type ConnectedSdk, connectSdk, run } from "../emulators/e2b/sdk.ts";

const MINUTE_MS = 60_000;
let emulator: E2bEmulator;
let sdk: ConnectedSdk;

beforeAll(async () => {
  emulator = await startE2bEmulator();
  sdk = connectSdk(emulator);
});

afterEach(() => emulator.faults.clear());

afterAll(() => emulator.close());

describe("the emulated E2B lets in", () => {
  it("nobody with another key", async () => {
    const stranger = connectSdk(emulator, "e2b_ffffffffffffffffffffffffffffffffffffffff");

    await expect(stranger.newSandbox()).rejects.toMatchObject({ name: "AuthenticationError" });
  });
});

describe("a fault of the emulated E2B", () => {
  it.each([
    [400, "SandboxError"],
    [401, "AuthenticationError"],
    [403, "SandboxError"],
    [404, "SandboxError"],
    [429, "RateLimitError"],
    [500, "SandboxError"],
    [503, "ServiceBusyError"],
  ])("is %i, which the SDK calls %s", async (status, name) => {
    emulator.faults.inject({ kind: "error", method: "CreateSandbox", status, message: "so it is" });

    const failing = sdk.newSandbox();

    await expect(failing).rejects.toMatchObject({ name });
    await expect(failing).rejects.toThrow("so it is");
  });

  it.each([
    [502, "TimeoutError"],
    [507, "NotEnoughSpaceError"],
  ])("is %i for a file, which the SDK calls %s", async (status, name) => {
    const sandbox = await sdk.newSandbox();
    emulator.faults.inject({ kind: "error", method: "WriteFile", status });

    await expect(sandbox.files.write("a", "x")).rejects.toMatchObject({ name });
    await sandbox.files.write("a", "x");
  });

  it.each([
    ["resource_exhausted", "RateLimitError"],
    ["unauthenticated", "AuthenticationError"],
    ["unavailable", "SandboxNotFoundError"],
    ["internal", "SandboxError"],
  ] as const)("is the daemon's %s for a command, which the SDK calls %s", async (code, name) => {
    const sandbox = await sdk.newSandbox();
    emulator.faults.inject({ kind: "rpc-error", method: "Start", code });

    await expect(sandbox.commands.run("true")).rejects.toMatchObject({ name });
    expect((await run(sandbox, "echo fine")).stdout).toBe("fine\n");
  });

  it("tells the SDK to come again later, and it does", async () => {
    const before = calls("CreateSandbox");
    emulator.faults.inject({ kind: "error", method: "CreateSandbox", status: 429, retryAfterSecs: 1, times: 2 });

    await expect(sdk.newSandbox()).resolves.toBeDefined();

    expect(calls("CreateSandbox")).toBe(before + 3);
  });

  it("loses the answer to a creation, whose sandbox then lives unknown", async () => {
    const before = emulator.books.leaked().length;
    emulator.faults.inject({ kind: "lose-answer", method: "CreateSandbox" });

    await expect(sdk.newSandbox({ metadata: { lost: "yes" } })).rejects.toThrow("fetch failed");

    expect(emulator.books.leaked()).toHaveLength(before + 1);
    expect(emulator.books.sandboxes.at(-1)?.metadata).toEqual({ lost: "yes" });
  });

  it("resets a connection before anything is done", async () => {
    const before = emulator.books.leaked().length;
    emulator.faults.inject({ kind: "reset", method: "CreateSandbox" });

    await expect(sdk.newSandbox()).rejects.toThrow("fetch failed");

    expect(emulator.books.leaked()).toHaveLength(before);
  });

  it("cuts the output of a command in the middle, which runs on", async () => {
    const sandbox = await sdk.newSandbox();
    emulator.faults.inject({ kind: "cut-stream", method: "Start", afterBytes: 200 });
    const command = await sandbox.commands.run("seq 100000; sleep 1000", { background: true });

    await expect(command.wait()).rejects.toThrow("terminated");

    expect((await sandbox.commands.list()).map(({ pid }) => pid)).toContain(command.pid);
  });

  it("cuts a file in the middle", async () => {
    const sandbox = await sdk.newSandbox();
    await sandbox.files.write("a", "x".repeat(100_000));
    emulator.faults.inject({ kind: "cut-stream", method: "ReadFile", afterBytes: 1000 });

    await expect(sandbox.files.read("a")).rejects.toThrow("terminated");
    expect(await sandbox.files.read("a")).toHaveLength(100_000);
  });

  it("cuts what a cell says in the middle", async () => {
    const sandbox = await sdk.newSandbox();
    emulator.faults.inject({ kind: "cut-stream", method: "Execute", afterBytes: 10 });

    await expect(sandbox.runCode("1 + 1")).rejects.toThrow("terminated");
    expect((await sandbox.runCode("1 + 1")).text).toBe("2");
  });

  it("spoils a connection for all that comes over it, and for nothing else", async () => {
    emulator.faults.inject({ kind: "poison-connection", method: "GET /nothing" });
    const { Agent, request } = await import("node:http");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (path: string, over: typeof agent | false) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { "X-API-Key": EMULATOR_KEY };
        const asked = request(`${emulator.url}${path}`, { agent: over, headers }, (answer) => {
          answer.resume().once("end", () => resolve(answer.statusCode));
        });
        asked.once("error", reject).end();
      });

    expect(await ask("/v2/sandboxes", agent)).toBe(200);
    expect(await ask("/nothing", agent)).toBe(500);
    expect(await ask("/v2/sandboxes", agent)).toBe(500);
    expect(await ask("/v2/sandboxes", false)).toBe(200);
    agent.destroy();
  });

  it("takes a sandbox away long before its time", async () => {
    const sandbox = await sdk.newSandbox();
    emulator.faults.inject({ kind: "lose-sandbox", method: "Start" });

    await expect(sandbox.commands.run("true")).rejects.toMatchObject({ name: "SandboxNotFoundError" });

    expect(await sandbox.kill()).toBe(false);
  });

  it("takes files away in a resume", async () => {
    const sandbox = await sdk.newSandbox();
    await sandbox.files.write("work/a", "x");
    await sandbox.pause();
    emulator.faults.inject({ kind: "lose-files", method: "ConnectSandbox", path: "/home/user/work" });

    await sandbox.connect({ timeoutMs: MINUTE_MS });

    expect(await sandbox.files.exists("work/a")).toBe(false);
  });

  it("takes the memory away in a resume, and files stay", async () => {
    const sandbox = await sdk.newSandbox();
    const { pid } = await sandbox.commands.run("echo x >a; sleep 1000", { background: true });
    await run(sandbox, "until [ -s a ]; do sleep 0.02; done");
    await sandbox.pause();
    emulator.faults.inject({ kind: "lose-memory", method: "ConnectSandbox" });

    await sandbox.connect({ timeoutMs: MINUTE_MS });

    await expect(sandbox.commands.connect(pid)).rejects.toMatchObject({ name: "NotFoundError" });
    expect(await sandbox.files.read("a")).toBe("x\n");
  });

  it("refuses connections for a while, which processes do not notice", async () => {
    const sandbox = await sdk.newSandbox();
    const { pid } = await sandbox.commands.run("sleep 1000", { background: true });

    emulator.refuseConnections();
    await expect(sandbox.getInfo()).rejects.toThrow("fetch failed");
    await emulator.acceptConnections();

    expect((await sandbox.commands.list()).map((process) => process.pid)).toContain(pid);
  });

  it("delays an answer until the SDK gives up", async () => {
    emulator.faults.inject({ kind: "delay", method: "ListSandboxes", ms: 2000 });

    await expect(sdk.Sandbox.list({ requestTimeoutMs: 200 }).nextItems()).rejects.toThrow("aborted");
  });
});

describe("the account of the emulated E2B", () => {
  it("runs so many sandboxes at once, and paused ones are none", async () => {
    const own = await startE2bEmulator({ maxSandboxes: 2 });
    const connected = connectSdk(own);
    const [first] = [await connected.newSandbox(), await connected.newSandbox()];

    await expect(connected.newSandbox()).rejects.toThrow("maximum number of concurrent");
    await first.pause();
    await connected.newSandbox();

    await expect(first.connect({ timeoutMs: MINUTE_MS })).rejects.toMatchObject({ name: "RateLimitError" });
    await own.close();
  });

  it("makes so many sandboxes a second, for which the SDK waits", async () => {
    const own = await startE2bEmulator({ maxCreatesPerSecond: 1 });
    const connected = connectSdk(own);

    await Promise.all([connected.newSandbox(), connected.newSandbox()]);

    expect(own.books.calls["CreateSandbox"]).toBe(3);
    await own.close();
  });
});

function calls(method: string): number {
  return emulator.books.calls[method] ?? 0;
}
