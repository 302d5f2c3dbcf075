import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import { type ModalEmulator, startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { type ConnectedSdk, connectSdk, run } from "../emulators/modal/sdk.ts";

const CREATE = "SandboxCreateV2";
let emulator: ModalEmulator;
let sdk: ConnectedSdk;

beforeAll(async () => {
  emulator = await startModalEmulator({ gpus: { H100: 2, B200: 0 }, gpuWaitMs: 1500, maxSandboxes: 40 });
  sdk = await connectSdk(emulator);
});

afterEach(() => {
  emulator.faults.clear();
  vi.useRealTimers();
});

afterAll(async () => {
  sdk.modal.close();
  await emulator.close();
});

describe("the emulated Modal lets in", () => {
  it.each([
    ["an unknown id", { ...EMULATOR_TOKEN, tokenId: "ak-other" }],
    ["a wrong secret", { ...EMULATOR_TOKEN, tokenSecret: "as-other" }],
  ])("nobody with %s, and is asked once", async (_what, token) => {
    const before = calls("AuthTokenGet");

    await expect(connectSdk(emulator, token)).rejects.toMatchObject({ name: "ClientError", code: 16 });

    expect(calls("AuthTokenGet")).toBe(before + 1);
  });

  it("no call with a token that has expired, so that the SDK asks for a new one", async () => {
    const sandbox = await sdk.newSandbox({ timeoutMs: 600_000 });
    await run(sandbox, ["true"]);
    const before = calls("SandboxGetCommandRouterAccess");

    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * 3600 * 1000 });

    expect((await run(sandbox, ["echo", "back"])).stdout).toBe("back\n");
    expect(calls("SandboxGetCommandRouterAccess")).toBe(before + 1);
  });
});

describe("a fault of the emulated Modal", () => {
  it.each([
    ["PERMISSION_DENIED", 7, 1],
    ["FAILED_PRECONDITION", 9, 1],
    ["RESOURCE_EXHAUSTED", 8, 1],
    ["UNAUTHENTICATED", 16, 1],
    ["UNAVAILABLE", 14, 4],
    ["INTERNAL", 13, 4],
    ["DEADLINE_EXCEEDED", 4, 4],
  ] as const)("is %s, which the SDK tries as often as it does", async (code, number, attempts) => {
    const before = calls(CREATE);
    emulator.faults.inject({ kind: "error", method: CREATE, code, details: "so it is", times: attempts });

    await expect(sdk.newSandbox()).rejects.toMatchObject({ code: number, details: "so it is" });

    expect(calls(CREATE)).toBe(before + attempts);
  });

  it("happens as often as it is to, and only to its method", async () => {
    emulator.faults.inject({ kind: "error", method: CREATE, code: "UNAVAILABLE" });
    const before = calls(CREATE);

    const sandbox = await sdk.newSandbox();
    await sandbox.poll();

    expect(calls(CREATE)).toBe(before + 2);
  });

  it("tells the SDK in the trailer to come again later", async () => {
    const error = { kind: "error", method: CREATE, code: "RESOURCE_EXHAUSTED", retryAfterSecs: 0.2, times: 2 } as const;
    const before = calls(CREATE);
    emulator.faults.inject(error);

    await expect(sdk.newSandbox()).resolves.toBeDefined();

    expect(calls(CREATE)).toBe(before + 3);
  });

  it("loses the answer to a creation, whose one sandbox then lives unknown", async () => {
    emulator.faults.inject({ kind: "lose-answer", method: CREATE, times: 4 });
    const before = emulator.books.leaked().length;

    await expect(sdk.newSandbox({ tags: { lost: "yes" } })).rejects.toMatchObject({ code: 14 });

    expect(emulator.books.leaked()).toHaveLength(before + 1);
    expect(emulator.books.sandboxes.at(-1)?.tags).toEqual({ lost: "yes" });
  });

  it("loses one answer, and the SDK's second attempt gets the same sandbox", async () => {
    emulator.faults.inject({ kind: "lose-answer", method: CREATE });
    const before = emulator.books.leaked().length;

    const sandbox = await sdk.newSandbox();

    expect(emulator.books.leaked()).toHaveLength(before + 1);
    expect(emulator.books.leaked().at(-1)).toBe(sandbox.sandboxId);
  });

  it("cuts an output in the middle, of which the SDK then reads the rest", async () => {
    const sandbox = await sdk.newSandbox();
    emulator.faults.inject({ kind: "cut-stream", method: "TaskExecStdioRead", afterBytes: 1000, times: 2 });
    const before = calls("TaskExecStdioRead");

    const process = await sandbox.exec(["seq", "100000"]);
    const lines = (await process.stdout.readText()).trimEnd().split("\n");

    expect(lines.map(Number)).toEqual(Array.from({ length: 100_000 }, (_, index) => index + 1));
    expect(calls("TaskExecStdioRead")).toBe(before + 3);
  });

  it("loses the answer to input, which arrives once all the same", async () => {
    const sandbox = await sdk.newSandbox();
    emulator.faults.inject({ kind: "lose-answer", method: "TaskExecStdinWrite", times: 2 });

    expect((await run(sandbox, ["cat"], { stdin: "only once\n" })).stdout).toBe("only once\n");
  });

  it("delays a snapshot until the SDK gives up", async () => {
    const sandbox = await sdk.newSandbox();
    emulator.faults.inject({ kind: "delay", method: "TaskSnapshotDirectory", ms: 60_000 });

    await expect(sandbox.snapshotDirectory("/tmp", { timeoutMs: 300 })).rejects.toMatchObject({ name: "TimeoutError" });
  });

  it("refuses connections for a while, which the sandboxes do not notice", async () => {
    const sandbox = await sdk.newSandbox();
    const process = await sandbox.exec(["sh", "-c", "echo before; cat; echo after"]);
    const output = process.stdout[Symbol.asyncIterator]();
    expect((await output.next()).value).toBe("before\n");

    emulator.refuseConnections();
    await expect(fetch(emulator.url)).rejects.toThrow("fetch failed");
    await emulator.acceptConnections();
    await process.stdin.close();

    expect((await output.next()).value).toBe("after\n");
    expect(await process.wait()).toBe(0);
  });

  it("ends a sandbox in the middle of a command", async () => {
    const sandbox = await sdk.newSandbox();
    const process = await sandbox.exec(["sh", "-c", "echo there; sleep 1000"]);
    const output = process.stdout[Symbol.asyncIterator]();
    await output.next();

    await emulator.expire(sandbox.sandboxId);

    await expect(output.next()).rejects.toMatchObject({ code: 5 });
    await expect(process.wait()).rejects.toMatchObject({ code: 5 });
    expect(await sandbox.poll()).toBe(124);
  });
});

describe("the emulated Modal's capacity", () => {
  it("has GPUs of the types that there are", async () => {
    await expect(sdk.newSandbox({ gpu: "H900" })).rejects.toMatchObject({ code: 3 });
  });

  it("says that there is none of a kind free, and bills nothing", async () => {
    await expect(sdk.newSandbox({ gpu: "B200" })).rejects.toMatchObject({ code: 8 });

    const refused = emulator.books.sandboxes.at(-1);
    expect(refused).toMatchObject({ gpu: "B200:1", isScheduled: false, isAlive: false, billedSeconds: 0 });
  });

  it("goes to whoever waits when a sandbox gives its GPUs back", async () => {
    const first = await sdk.newSandbox({ gpu: "H100:2" });
    const waiting = sdk.newSandbox({ gpu: "H100" });
    await vi.waitUntil(() => emulator.books.sandboxes.at(-1)?.gpu === "H100:1");
    expect(emulator.books.sandboxes.at(-1)?.isScheduled).toBe(false);

    await first.terminate();

    expect((await run(await waiting, ["echo", "at last"])).stdout).toBe("at last\n");
  });

  it("can be set while it runs", async () => {
    emulator.setGpus("L4", 0);
    await expect(sdk.newSandbox({ gpu: "L4" })).rejects.toMatchObject({ code: 8 });

    emulator.setGpus("L4", 1);

    await expect(sdk.newSandbox({ gpu: "L4" })).resolves.toBeDefined();
  });

  it("is so many sandboxes at once", async () => {
    const room = 40 - emulator.books.leaked().length;
    for (let count = 0; count < room; count++) await sdk.newSandbox();

    await expect(sdk.newSandbox()).rejects.toMatchObject({ code: 8 });

    await (await sdk.modal.sandboxes.fromId(emulator.books.leaked()[0] ?? "")).terminate();
    await expect(sdk.newSandbox()).resolves.toBeDefined();
  });
});

function calls(method: string): number {
  return emulator.books.calls[method] ?? 0;
}
