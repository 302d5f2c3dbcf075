import { mkdtemp, readFile, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
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

    await expect(run(sandbox, "kill -KILL -1", { user: "root" })).rejects.toMatchObject({ name: "TimeoutError" });

    await expect(sandbox.kill()).resolves.toBe(false);
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
    const script = "n=0; while :; do n=$((n+1)); echo $n >count; sleep 0.02; done";
    const { pid } = await sandbox.commands.run(script, { background: true, timeoutMs: 0 });
    await run(sandbox, "until [ -s count ]; do sleep 0.02; done");

    expect(await sandbox.pause()).toBe(true);
    const billed = toRecord(sandbox)?.billedSeconds;
    const before = await readCount();
    expect(await sandbox.pause()).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 200));

    expect(await readCount()).toBe(before);
    expect(toRecord(sandbox)).toMatchObject({ state: "paused", billedSeconds: billed, pauses: 1 });
    await sandbox.connect({ timeoutMs: MINUTE_MS });
    await run(sandbox, `until [ "$(cat count)" != "${before}" ]; do sleep 0.02; done`);
    expect((await sandbox.commands.list()).map((process) => process.pid)).toContain(pid);

    /** From outside: nobody is let in. */
    async function readCount(): Promise<string> {
      const files = await readdir(stateFolder, { recursive: true });
      const file = files.find((name) => name.includes(sandbox.sandboxId) && name.endsWith("home/user/count"));
      return (await readFile(path.join(stateFolder, file ?? ""), "utf8")).trim();
    }
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

describe("a snapshot of the emulated E2B", () => {
  it("is what new sandboxes start from, with files and owners, after its sandbox has gone", async () => {
    const sandbox = await sdk.newSandbox();
    await run(sandbox, "mkdir work; echo one >work/a; chmod 700 work; ln -s a work/link");
    const { snapshotId } = await sandbox.createSnapshot();
    await run(sandbox, "echo two >work/a");
    await sandbox.kill();

    const restored = await sdk.Sandbox.create(snapshotId);

    expect((await run(restored, "stat -c '%U %a' work; cat work/link")).stdout).toBe("user 700\none\n");
    expect((await restored.getInfo()).memoryMB).toBe(512);
  });

  it("lets the sandbox run on, and cuts who is connected to it", async () => {
    const sandbox = await sdk.newSandbox();
    const command = await sandbox.commands.run("sleep 1000", { background: true });

    await sandbox.createSnapshot();

    await expect(command.wait()).rejects.toThrow("terminated");
    expect(await sandbox.commands.kill(command.pid)).toBe(true);
  });

  it("is named, listed, replaced by one of its name, and deleted", async () => {
    const sandbox = await sdk.newSandbox();
    const named = await sandbox.createSnapshot({ name: "mine" });
    const unnamed = await sandbox.createSnapshot();
    expect(named).toEqual({ snapshotId: "emulator/mine:default", names: ["emulator/mine"] });
    await run(sandbox, "echo new >file");
    await sandbox.createSnapshot({ name: "mine" });

    const listed = await sdk.Sandbox.listSnapshots({ sandboxId: sandbox.sandboxId }).nextItems();

    expect(listed.map(({ snapshotId }) => snapshotId).toSorted()).toEqual(
      [named.snapshotId, unnamed.snapshotId].toSorted(),
    );
    expect(await (await sdk.Sandbox.create("mine")).files.read("file")).toBe("new\n");
    expect(await sdk.Sandbox.deleteSnapshot(named.snapshotId)).toBe(true);
    expect(await sdk.Sandbox.deleteSnapshot(named.snapshotId)).toBe(false);
    await expect(sdk.Sandbox.create(named.snapshotId)).rejects.toMatchObject({ statusCode: 404 });
  });

  it("is made for forks, of which each is a sandbox of its own", async () => {
    const sandbox = await sdk.newSandbox();
    await run(sandbox, "echo shared >file");

    const forks = await sandbox.fork({ count: 2, timeoutMs: MINUTE_MS });

    const [one, other] = forks.filter((fork) => "files" in fork);
    if (!one || !other) throw new Error("There are no forks.");
    await one.files.write("file", "own");
    expect(await other.files.read("file")).toBe("shared\n");
    expect(await sandbox.files.read("file")).toBe("shared\n");
  });
});

describe("a port of an emulated sandbox", () => {
  it("is reached by headers or by the name of the host, and says when nothing listens", async () => {
    const sandbox = await sdk.newSandbox({ allowInternetAccess: false });
    await run(sandbox, "echo inside >index.html; python3 -m http.server 3000 >/dev/null 2>&1 &");
    await run(sandbox, "until (: </dev/tcp/127.0.0.1/3000) 2>/dev/null; do sleep 0.05; done");

    const answer = await fetch(`${emulator.url}/index.html`, { headers: toHeaders(sandbox, 3000) });
    const closed = await fetch(emulator.url, { headers: toHeaders(sandbox, 3001) });

    expect(await answer.text()).toBe("inside\n");
    expect(sandbox.getHost(3000)).toMatch(new RegExp(`^3000-${sandbox.sandboxId}\\.`));
    expect(closed.status).toBe(502);
    expect(await closed.json()).toMatchObject({ message: "The sandbox is running but port is not open" });
  });

  it("needs a token when it is not public", async () => {
    const sandbox = await sdk.newSandbox({ network: { allowPublicTraffic: false } });
    const ask = async (token: string) =>
      fetch(emulator.url, { headers: { ...toHeaders(sandbox, 3000), "E2B-Traffic-Access-Token": token } });

    expect((await ask("other")).status).toBe(403);
    expect((await ask(sandbox.trafficAccessToken ?? "")).status).toBe(502);
    expect((await run(sandbox, "echo not asked for it")).exitCode).toBe(0);
    expect((await sandbox.runCode("1 + 1")).text).toBe("2");
  });

  it("carries WebSockets", async () => {
    const sandbox = await sdk.newSandbox({ allowInternetAccess: false });
    await sandbox.files.write("echo.mjs", UPGRADE);
    await run(
      sandbox,
      "node echo.mjs >/dev/null 2>&1 & until (: </dev/tcp/127.0.0.1/3000) 2>/dev/null; do sleep 0.05; done",
    );
    const socket = new WebSocket(emulator.url.replace("http", "ws"), { headers: toHeaders(sandbox, 3000) });

    const message = await new Promise((resolve, reject) => {
      socket.once("message", (data) => resolve(String(data)));
      socket.once("error", reject);
    });

    socket.terminate();
    expect(message).toBe("hi");
  });
});

describe("the emulated E2B", () => {
  it("leaves no process and no file behind when it closes, paused ones included", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "e2b-emulator-state-"));
    const own = await startE2bEmulator({ stateFolder: folder });
    const connected = connectSdk(own);
    const [running, paused] = [await connected.newSandbox(), await connected.newSandbox()];
    for (const sandbox of [running, paused]) {
      await sandbox.commands.run("mkdir -p a/b; chmod 0 a/b a; sleep 4321", { background: true });
      await run(sandbox, "until ps -e -o args= | grep -q '^sleep 4321'; do sleep 0.02; done");
    }
    await running.createSnapshot();
    await paused.pause();
    expect(await commandsOfHost()).toContain("sleep\u00004321");

    await own.close();

    expect(await commandsOfHost()).not.toContain("sleep\u00004321");
    expect(await readdir(folder)).toEqual([]);
    await rmdir(folder);
  });

  it("keeps sandboxes in which nothing has run as records alone", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "e2b-emulator-state-"));
    const own = await startE2bEmulator({ stateFolder: folder });
    const connected = connectSdk(own);

    await Promise.all(Array.from({ length: 100 }, () => connected.newSandbox()));

    expect(own.books.leaked()).toHaveLength(100);
    expect(await readdir(folder, { recursive: true })).toHaveLength(1);
    await own.close();
    await rmdir(folder);
  });
});

/** A server that greets whoever asks for a WebSocket: one text frame without a mask (RFC 6455, section 5.2). */
const UPGRADE = `
import { createHash } from "node:crypto";
import { createServer } from "node:http";
createServer().on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = createHash("sha1").update(key).digest("base64");
  const head = "HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n";
  socket.write(head + "Sec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n");
  socket.write(Buffer.from([0x81, 2, 104, 105]));
}).listen(3000, "127.0.0.1");
`;

function toRecord({ sandboxId }: SdkSandbox) {
  return emulator.books.sandboxes.find(({ id }) => id === sandboxId);
}

function toHeaders({ sandboxId }: SdkSandbox, port: number): Record<string, string> {
  return { "E2b-Sandbox-Id": sandboxId, "E2b-Sandbox-Port": String(port) };
}

/** Rounded up: what is asked for counts from the answer on. */
function minutesLeft({ endAt }: { readonly endAt: Date }): number {
  return Math.ceil((endAt.getTime() - Date.now()) / MINUTE_MS);
}

async function list(query: NonNullable<Parameters<ConnectedSdk["Sandbox"]["list"]>[0]>["query"], limit = 100) {
  const pages = sdk.Sandbox.list({ ...(query ? { query } : {}), limit });
  const ids: string[] = [];
  while (pages.hasNext) ids.push(...(await pages.nextItems()).map(({ sandboxId }) => sandboxId));
  return ids;
}

async function commandsOfHost(): Promise<string> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.join("\n");
}
