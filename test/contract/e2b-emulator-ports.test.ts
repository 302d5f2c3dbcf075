import { mkdtemp, readFile, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type E2bEmulator, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { type ConnectedSdk, type SdkSandbox, connectSdk, run } from "../emulators/e2b/sdk.ts";

let emulator: E2bEmulator;
let sdk: ConnectedSdk;

beforeAll(async () => {
  emulator = await startE2bEmulator();
  sdk = connectSdk(emulator);
});

afterAll(() => emulator.close());

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
      socket.once("message", (data: Buffer) => resolve(data.toString()));
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

function toHeaders({ sandboxId }: SdkSandbox, port: number): Record<string, string> {
  return { "E2b-Sandbox-Id": sandboxId, "E2b-Sandbox-Port": String(port) };
}

async function commandsOfHost(): Promise<string> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.join("\n");
}
