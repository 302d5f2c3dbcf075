import { mkdtemp, readFile, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type E2bEmulator, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { type ConnectedSdk, type SdkSandbox, connectSdk, run } from "../emulators/e2b/sdk.ts";

const MINUTE_MS = 60_000;
let stateFolder: string;
let emulator: E2bEmulator;
let sdk: ConnectedSdk;

beforeAll(async () => {
  stateFolder = await mkdtemp(path.join(tmpdir(), "e2b-emulator-state-"));
  emulator = await startE2bEmulator({ maxHours: 1, stateFolder });
  sdk = connectSdk(emulator);
});

afterAll(async () => {
  await emulator.close();
  await rmdir(stateFolder);
});

describe("a sandbox of the emulated E2B", () => {
  it("is described as it was asked for", async () => {
    const sandbox = await sdk.newSandbox({
      timeoutMs: 10 * MINUTE_MS,
      metadata: { of: "test & more" },
      envs: { A: "1" },
    });

    expect(await sandbox.getInfo()).toMatchObject({
      name: "code-interpreter-v1",
      metadata: { of: "test & more" },
      state: "running",
      cpuCount: 2,
      memoryMB: 512,
      lifecycle: { onTimeout: "kill", autoResume: false },
    });
    expect(toRecord(sandbox)).toMatchObject({ envNames: ["A"], autoPause: false, network: "open", isPublic: true });
    expect(minutesLeft(await sandbox.getInfo())).toBe(10);
  });

  it("is listed by its metadata and state, over as many pages as there are", async () => {
    const made = [];
    for (let index = 0; index < 5; index += 1)
      made.push(await sdk.newSandbox({ metadata: { list: "a=b&c", n: `${index}` } }));
    await made[0]?.pause();

    const all = await list({ metadata: { list: "a=b&c" } }, 2);
    const running = await list({ metadata: { list: "a=b&c" }, state: ["running"] }, 2);

    expect(all).toHaveLength(5);
    expect(new Set(all)).toEqual(new Set(made.map(({ sandboxId }) => sandboxId)));
    expect(running).not.toContain(made[0]?.sandboxId);
    expect(running).toHaveLength(4);
    expect(await list({ metadata: { list: "a=b&c", n: "3" } })).toEqual([made[3]?.sandboxId]);
    expect(await list({ metadata: { list: "other" } })).toEqual([]);
  });

  it("is gone when it has been killed, once", async () => {
    const sandbox = await sdk.newSandbox();
    const command = await sandbox.commands.run("sleep 1000", { background: true });

    expect(await sandbox.kill()).toBe(true);

    expect(await sandbox.kill()).toBe(false);
    expect(await sandbox.isRunning()).toBe(false);
    await expect(command.wait()).rejects.toMatchObject({ name: "TimeoutError" });
    await expect(sandbox.commands.run("true")).rejects.toThrow("not running anymore");
    await expect(sdk.Sandbox.connect(sandbox.sandboxId)).rejects.toMatchObject({ name: "SandboxNotFoundError" });
    expect(toRecord(sandbox)).toMatchObject({ state: "ended" });
  });

  it("ends when its time is up", async () => {
    const sandbox = await sdk.newSandbox({ timeoutMs: 1000 });
    const command = await sandbox.commands.run("sleep 1000", { background: true });

    await expect(command.wait()).rejects.toMatchObject({ name: "TimeoutError" });

    expect(toRecord(sandbox)?.state).toBe("ended");
  });

  it("lives as long as it is told to, and not longer than the account allows", async () => {
    const sandbox = await sdk.newSandbox();

    await sandbox.setTimeout(30 * MINUTE_MS);
    expect(minutesLeft(await sandbox.getInfo())).toBe(30);
    await sandbox.setTimeout(MINUTE_MS);
    expect(minutesLeft(await sandbox.getInfo())).toBe(1);
    await expect(sandbox.setTimeout(2 * 60 * MINUTE_MS)).rejects.toThrow("Timeout cannot be greater than 1 hours");
    await expect(sdk.newSandbox({ timeoutMs: 2 * 60 * MINUTE_MS })).rejects.toMatchObject({ statusCode: 400 });
  });

  it("is not made from a template that there is none of", async () => {
    await expect(sdk.Sandbox.create("no-such-template")).rejects.toMatchObject({ statusCode: 404 });
  });

  it("ends with its first process", async () => {
    const sandbox = await sdk.newSandbox();

    await run(sandbox, "kill -KILL -1", { user: "root" }).catch(() => {});

    await vi.waitFor(() => expect(toRecord(sandbox)?.state).toBe("ended"));
  });
});

describe("connecting to a sandbox of the emulated E2B", () => {
  it("only extends its life", async () => {
    const sandbox = await sdk.newSandbox({ timeoutMs: 30 * MINUTE_MS });

    await sandbox.connect({ timeoutMs: 10 * MINUTE_MS });
    expect(minutesLeft(await sandbox.getInfo())).toBe(30);
    await sandbox.connect({ timeoutMs: 40 * MINUTE_MS });
    expect(minutesLeft(await sandbox.getInfo())).toBe(40);
  });

  it("without a time gives one that was paused five minutes, however many it had", async () => {
    const sandbox = await sdk.newSandbox({ timeoutMs: 30 * MINUTE_MS });
    await sandbox.pause();

    await sandbox.connect();

    expect(minutesLeft(await sandbox.getInfo())).toBe(5);
  });

  it("shortens its life on a server that still does", async () => {
    const own = await startE2bEmulator({ connectShortens: true });
    const sandbox = await connectSdk(own).newSandbox({ timeoutMs: 30 * MINUTE_MS });

    await sandbox.connect();

    expect(minutesLeft(await sandbox.getInfo())).toBe(5);
    await own.close();
  });
});

describe("a pause of the emulated E2B", () => {
  it("stops processes where they are, costs nothing, and keeps files", async () => {
    const sandbox = await sdk.newSandbox();
    const count = "n=0; while [ $n -lt 10 ]; do n=$((n+1)); echo $n >count; sleep 0.02; done; echo all >done";
    const script = `: still-${sandbox.sandboxId}; ${count}; sleep 1000`;
    const { pid } = await sandbox.commands.run(script, { background: true, timeoutMs: 0 });
    await run(sandbox, "until [ -s count ]; do sleep 0.02; done");

    expect(await sandbox.pause()).toBe(true);
    const billed = toRecord(sandbox)?.billedSeconds;
    const states = await readStates(`still-${sandbox.sandboxId}`);
    expect(await sandbox.pause()).toBe(false);

    expect(states.length).toBeGreaterThan(0);
    expect(new Set(states)).toEqual(new Set(["T"]));
    expect(toRecord(sandbox)).toMatchObject({ state: "paused", billedSeconds: billed, pauses: 1 });
    await sandbox.connect({ timeoutMs: MINUTE_MS });
    await run(sandbox, "until [ -s done ]; do sleep 0.02; done");
    expect(await sandbox.files.read("count")).toBe("10\n");
    expect((await sandbox.commands.list()).map((process) => process.pid)).toContain(pid);
  });

  it("cuts who is connected, and lets nobody in until it is over", async () => {
    const sandbox = await sdk.newSandbox();
    const command = await sandbox.commands.run("sleep 1000", { background: true });

    await sandbox.pause();

    await expect(command.wait()).rejects.toMatchObject({ name: "TimeoutError" });
    expect(await sandbox.isRunning()).toBe(false);
    await expect(sandbox.files.read("any")).rejects.toMatchObject({ name: "TimeoutError" });
    await sandbox.connect({ timeoutMs: MINUTE_MS });
    expect(await sandbox.commands.kill(command.pid)).toBe(true);
  });

  it("is nothing that a shell with jobs would notice", async () => {
    const sandbox = await sdk.newSandbox();
    const script = "set -m; mkfifo gate; cat gate; echo ended $?";
    const { pid } = await sandbox.commands.run(script, { background: true, timeoutMs: 0 });
    await run(sandbox, "until ps -e -o args= | grep -q '^cat gate'; do sleep 0.02; done");
    await sandbox.pause();
    await sandbox.connect({ timeoutMs: MINUTE_MS });

    const command = await sandbox.commands.connect(pid);
    await run(sandbox, "echo opened >gate");

    expect((await command.wait()).stdout).toBe("opened\nended 0\n");
  });

  it("of the files alone ends processes", async () => {
    const sandbox = await sdk.newSandbox();
    const { pid } = await sandbox.commands.run("echo kept >file; sleep 1000", { background: true });
    await run(sandbox, "until [ -s file ]; do sleep 0.02; done");

    await sandbox.pause({ keepMemory: false });
    await sandbox.connect({ timeoutMs: MINUTE_MS });

    expect(await sandbox.files.read("file")).toBe("kept\n");
    await expect(sandbox.commands.connect(pid)).rejects.toMatchObject({ name: "NotFoundError" });
  });

  it("comes at the end of its time when it was to, and traffic ends it when that may", async () => {
    const lifecycle = { onTimeout: "pause", autoResume: true } as const;
    const waking = await sdk.newSandbox({ lifecycle, timeoutMs: MINUTE_MS });
    const sleeping = await sdk.newSandbox({ lifecycle: { onTimeout: "pause" }, timeoutMs: MINUTE_MS });
    await run(waking, "echo 1 >file");

    await Promise.all([waking, sleeping].map(({ sandboxId }) => emulator.expire(sandboxId)));

    expect(emulator.books.paused()).toEqual(expect.arrayContaining([waking.sandboxId, sleeping.sandboxId]));
    expect(await waking.files.read("file")).toBe("1\n");
    await expect(sleeping.files.read("file")).rejects.toMatchObject({ name: "TimeoutError" });
    expect(toRecord(waking)?.state).toBe("running");
  });

  it("can be followed by the end", async () => {
    const sandbox = await sdk.newSandbox();
    await run(sandbox, "true");
    await sandbox.pause();

    expect(await sandbox.kill()).toBe(true);

    expect(toRecord(sandbox)?.state).toBe("ended");
  });
});

function toRecord({ sandboxId }: SdkSandbox) {
  return emulator.books.sandboxes.find(({ id }) => id === sandboxId);
}

/** Rounded up: what is asked for counts from the answer on. */
function minutesLeft({ endAt }: { readonly endAt: Date }): number {
  return Math.ceil((endAt.getTime() - Date.now()) / MINUTE_MS);
}

/** How the host's processes are whose commands contain a word; "T" is stopped. Source: proc_pid_stat(5). */
async function readStates(word: string): Promise<(string | undefined)[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readOf(pid, "cmdline")));
  const found = pids.filter((_pid, index) => commands[index]?.includes(word));
  const stats = await Promise.all(found.map((pid) => readOf(pid, "stat")));
  return stats.map((stat) => stat.split(") ")[1]?.[0]);
}

/** Empty when the process has ended. */
function readOf(pid: string, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
}

async function list(query: NonNullable<Parameters<ConnectedSdk["Sandbox"]["list"]>[0]>["query"], limit = 100) {
  const pages = sdk.Sandbox.list({ ...(query ? { query } : {}), limit });
  const ids: string[] = [];
  while (pages.hasNext) ids.push(...(await pages.nextItems()).map(({ sandboxId }) => sandboxId));
  return ids;
}
