import { mkdtemp, readdir, readFile, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Sandbox } from "modal";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type ModalEmulator, startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { type ConnectedSdk, connectSdk, run } from "../emulators/modal/sdk.ts";

let emulator: ModalEmulator;
let sdk: ConnectedSdk;

beforeAll(async () => {
  emulator = await startModalEmulator({ secrets: { "team-keys": { TEAM_KEY: "s3cret" } } });
  sdk = await connectSdk(emulator);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

afterAll(async () => {
  sdk.modal.close();
  await emulator.close();
});

describe("a sandbox of the emulated Modal", () => {
  it("is of the second back end, and of the first with a GPU", async () => {
    const [plain, withGpu] = [await sdk.newSandbox(), await sdk.newSandbox({ gpu: "H100:2" })];

    expect((await run(withGpu, ["echo", "there"])).stdout).toBe("there\n");
    expect(toRecord(plain)).toMatchObject({ backEnd: "v2", gpu: undefined });
    expect(toRecord(withGpu)).toMatchObject({ backEnd: "v1", gpu: "H100:2" });
  });

  it("is in the books with all that was asked for, but for the values of variables", async () => {
    const sandbox = await sdk.newSandbox({
      cpu: 1.5,
      memoryMiB: 2048,
      timeoutMs: 90_000,
      idleTimeoutMs: 30_000,
      regions: ["eu-west"],
      encryptedPorts: [8000],
      outboundCidrAllowlist: ["10.0.0.0/8"],
      tags: { owner: "me" },
      env: { TOKEN: "hidden" },
      name: "in-the-books",
    });

    expect(toRecord(sandbox)).toMatchObject({
      cpus: 1.5,
      memoryMiB: 2048,
      timeoutSecs: 90,
      idleTimeoutSecs: 30,
      regions: ["eu-west"],
      ports: [8000],
      network: "allow-list",
      allowedCidrs: ["10.0.0.0/8"],
      tags: { owner: "me" },
      envNames: ["TOKEN"],
      name: "in-the-books",
      isAlive: true,
    });
    expect(JSON.stringify(emulator.books)).not.toContain("hidden");
  });

  it("has the variables of the account's secrets, which exist by name alone", async () => {
    const secret = await sdk.modal.secrets.fromName("team-keys");
    const sandbox = await sdk.newSandbox({ secrets: [secret] });

    expect((await run(sandbox, ["sh", "-c", "echo $TEAM_KEY"])).stdout).toBe("s3cret\n");
    await expect(sdk.modal.secrets.fromName("none")).rejects.toMatchObject({ name: "NotFoundError" });
  });

  it("is listed by its tags while it lives, over as many pages as there are", async () => {
    const made: string[] = [];
    for (let count = 0; count < 205; count++) made.push((await sdk.newSandbox({ tags: { group: "many" } })).sandboxId);
    const [first = ""] = made;
    await (await sdk.modal.sandboxes.fromId(first)).terminate();

    expect(await list({ group: "many" })).toEqual(made.slice(1).toReversed());
    expect(await list({ group: "few" })).toEqual([]);
  });

  it("changes its tags as a whole", async () => {
    const sandbox = await sdk.newSandbox({ tags: { one: "1", two: "2" } });

    await sandbox.setTags({ three: "3" });

    expect(await sandbox.getTags()).toEqual({ three: "3" });
    expect(await list({ one: "1" })).toEqual([]);
  });

  it("is found by its name, which is free again after its end", async () => {
    const first = await sdk.newSandbox({ name: "only-one" });
    await expect(sdk.newSandbox({ name: "only-one" })).rejects.toMatchObject({ name: "AlreadyExistsError" });
    expect((await sdk.modal.sandboxes.fromName("emulator-test", "only-one")).sandboxId).toBe(first.sandboxId);

    await first.terminate();

    await expect(sdk.modal.sandboxes.fromName("emulator-test", "only-one")).rejects.toThrow("not found");
    expect((await sdk.newSandbox({ name: "only-one" })).sandboxId).not.toBe(first.sandboxId);
  });

  it("has ended when it is terminated, and everything in it", async () => {
    const sandbox = await sdk.newSandbox();
    const process = await sandbox.exec(["sh", "-c", "echo there; sleep 98761234"]);
    await process.stdout[Symbol.asyncIterator]().next();
    expect(await sandbox.poll()).toBeNull();

    expect(await sandbox.terminate({ wait: true })).toBe(137);

    await expect(process.wait()).rejects.toMatchObject({ code: 5 });
    await expect(sandbox.exec(["true"])).rejects.toMatchObject({ code: 5 });
    expect(await sandbox.poll()).toBe(137);
    expect(await commandsOfHost()).not.toContain("98761234");
  });

  it("ends with 124 when its time is up", async () => {
    const sandbox = await sdk.newSandbox({ timeoutMs: 1000 });

    expect(await sandbox.wait()).toBe(124);
    expect(toRecord(sandbox)?.billedSeconds).toBeCloseTo(1, 0);
  });

  it("ends when nothing has run for as long as it may be idle", async () => {
    const sandbox = await sdk.newSandbox({ idleTimeoutMs: 1000 });
    await run(sandbox, ["sleep", "1.5"]);
    expect(await sandbox.poll()).toBeNull();

    await sandbox.wait();

    expect(toRecord(sandbox)?.isAlive).toBe(false);
  });

  it("runs the command that it is made with, and ends as that does", async () => {
    const script = "mkfifo /tmp/gate; echo started; read code </tmp/gate; exit $code";
    const sandbox = await sdk.newSandbox({ command: ["sh", "-c", script] });
    expect((await sandbox.stdout[Symbol.asyncIterator]().next()).value).toBe("started\n");

    await sandbox.exec(["sh", "-c", "echo 7 >/tmp/gate"]);

    expect(await sandbox.wait()).toBe(7);
  });

  it("is not known when it never was", async () => {
    const sandbox = await sdk.modal.sandboxes.fromId("sb-00000000000000000000000000");

    await expect(sandbox.poll()).rejects.toMatchObject({ code: 5 });
    await expect(sandbox.exec(["true"])).rejects.toMatchObject({ code: 5 });
  });

  it.each([
    ["open", {}],
    ["blocked", { blockNetwork: true }],
  ])("answers HTTP through tunnels and with a token when its network is %s", async (_network, params) => {
    const sandbox = await sdk.newSandbox({ unencryptedPorts: [8123], ...params });
    const server = await sandbox.exec(["python3", "-u", "-c", SERVER]);
    await server.stdout[Symbol.asyncIterator]().next();

    const [host, port] = (await sandbox.tunnels())[8123]?.tcpSocket ?? [];
    const { url, token } = await sandbox.createConnectToken({ port: 8123 });

    expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe("hello");
    const headers = { Authorization: `Bearer ${token}` };
    expect(await (await fetch(`${url}/`, { headers })).text()).toBe("hello");
    expect((await fetch(`${url}/`)).status).toBe(401);
    await sandbox.terminate();
    await expect(fetch(`http://${host}:${port}/`)).rejects.toThrow("fetch failed");
    expect((await fetch(`${url}/`, { headers })).status).toBe(401);
  });
});

describe("the emulated Modal", () => {
  it("serves everything from the first back end to a client that insists on it", async () => {
    vi.stubEnv("MODAL_SANDBOX_V2", "0");
    const own = await connectSdk(emulator);
    const sandbox = await own.newSandbox({ tags: { back: "end" }, env: { OF_SANDBOX: "one" } });

    expect(toRecord(sandbox)?.backEnd).toBe("v1");
    expect((await run(sandbox, ["sh", "-c", "echo $OF_SANDBOX"])).stdout).toBe("one\n");
    expect(await sandbox.getTags()).toEqual({ back: "end" });
    expect(await list({ back: "end" }, own)).toEqual([sandbox.sandboxId]);
    expect(await sandbox.terminate({ wait: true })).toBe(137);
    own.modal.close();
  });

  it("says of what it does not have that it is not implemented", async () => {
    await expect(sdk.modal.volumes.fromName("any")).rejects.toMatchObject({ code: 12 });
  });

  it("keeps hundreds of sandboxes in which nothing runs as records alone", async () => {
    const stateFolder = await mkdtemp(path.join(tmpdir(), "modal-emulator-state-"));
    const own = await startModalEmulator({ stateFolder });
    const connected = await connectSdk(own);

    await Promise.all(Array.from({ length: 300 }, () => connected.newSandbox()));

    expect(own.books.leaked()).toHaveLength(300);
    expect((await readdir(stateFolder, { recursive: true })).filter((name) => name.includes("sb-"))).toEqual([]);
    connected.modal.close();
    await own.close();
    await rmdir(stateFolder);
  });

  it("leaves no process and no file behind when it closes", async () => {
    const stateFolder = await mkdtemp(path.join(tmpdir(), "modal-emulator-state-"));
    const own = await startModalEmulator({ stateFolder });
    const connected = await connectSdk(own);
    const sandbox = await connected.newSandbox();
    await run(sandbox, ["sh", "-c", "mkdir -p /a/b; chmod 0 /a/b /a"]);
    await sandbox.exec(["sleep", "4321"]);
    expect(await commandsOfHost()).toContain("sleep\u00004321");
    expect(await readdir(stateFolder)).toHaveLength(1);

    connected.modal.close();
    await own.close();

    expect(await commandsOfHost()).not.toContain("sleep\u00004321");
    expect(await readdir(stateFolder)).toEqual([]);
    await rmdir(stateFolder);
  });
});

const SERVER = `
import http.server
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "5"); self.end_headers(); self.wfile.write(b"hello")
server = http.server.HTTPServer(("127.0.0.1", 8123), Hello)
print("listening")
server.serve_forever()
`;

function toRecord({ sandboxId }: Sandbox) {
  return emulator.books.sandboxes.find(({ id }) => id === sandboxId);
}

async function list(tags: Record<string, string>, { modal, app }: ConnectedSdk = sdk): Promise<string[]> {
  const ids: string[] = [];
  for await (const { sandboxId } of modal.sandboxes.list({ appId: app.appId, tags })) ids.push(sandboxId);
  return ids;
}

async function commandsOfHost(): Promise<string> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.join("\n");
}
