import { createServer } from "node:net";
import type { Sandbox } from "modal";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ModalEmulator, startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { type ConnectedSdk, connectSdk, run } from "../emulators/modal/sdk.ts";

let emulator: ModalEmulator;
let sdk: ConnectedSdk;
let sandbox: Sandbox;

beforeAll(async () => {
  emulator = await startModalEmulator();
  sdk = await connectSdk(emulator);
  sandbox = await sdk.newSandbox({ env: { OF_SANDBOX: "one" }, blockNetwork: true });
});

afterAll(async () => {
  sdk.modal.close();
  await emulator.close();
});

describe("a command in the emulated Modal", () => {
  it("has separate streams, input, variables and an exit code", async () => {
    const ended = await run(sandbox, ["sh", "-c", "echo $OF_SANDBOX $OF_COMMAND; echo err >&2; cat; exit 3"], {
      env: { OF_COMMAND: "two" },
      stdin: "typed\n",
    });

    expect(ended).toEqual({ stdout: "one two\ntyped\n", stderr: "err\n", code: 3 });
  });

  it("sees another's files and processes and can signal its group", async () => {
    const first = await sandbox.exec(["sh", "-c", "sleep 1000 & echo $$ >/tmp/pid; echo there; wait"]);
    await first.stdout[Symbol.asyncIterator]().next();

    const second = await run(sandbox, ["sh", "-c", 'kill -TERM -"$(cat /tmp/pid)"']);

    expect(second.code).toBe(0);
    expect(await first.wait()).toBe(128 + 15);
  });

  it("leads a session of its own, in a process table of the sandbox's own", async () => {
    const { stdout } = await run(sandbox, ["sh", "-c", "ps -o pid=,pgid=,sid= -p $$; ps -e -o args="]);

    const [pid, group, session] = (stdout.split("\n")[0] ?? "").trim().split(/\s+/);
    expect([group, session]).toEqual([pid, pid]);
    expect(stdout).not.toContain("vitest");
  });

  it("runs as root, with files of the sandbox's own and nothing of the emulator's environment", async () => {
    const script =
      "id -u; echo x >/new; mkdir /sandpiper; ls -d /new /sandpiper; cat /proc/[0-9]*/environ | tr '\\0' '\\n'";

    const { stdout } = await run(sandbox, ["sh", "-c", script]);

    expect(stdout).toMatch(/^0\n\/new\n\/sandpiper\n/);
    expect(stdout).not.toContain("VITEST");
  });

  it("starts in the folder that it is given, and in the sandbox's otherwise", async () => {
    const own = await sdk.newSandbox({ workdir: "/srv/app" });

    expect((await run(own, ["pwd"])).stdout).toBe("/srv/app\n");
    expect((await run(own, ["pwd"], { workdir: "/tmp" })).stdout).toBe("/tmp\n");
  });

  it("is heard whole by whoever reads after its end", async () => {
    const process = await sandbox.exec(["head", "-c", "3000000", "/dev/zero"], { mode: "binary" });
    expect(await process.wait()).toBe(0);

    expect((await process.stdout.readBytes()).byteLength).toBe(3_000_000);
  });

  it("has ended when it exits, and its output goes on while what it left behind writes", async () => {
    const script = "mkfifo /tmp/gate; (read word </tmp/gate; echo $word) & echo early";
    const process = await sandbox.exec(["sh", "-c", script]);
    const output = process.stdout[Symbol.asyncIterator]();

    expect(await process.wait()).toBe(0);
    expect((await output.next()).value).toBe("early\n");
    await run(sandbox, ["sh", "-c", "echo late >/tmp/gate"]);
    expect((await output.next()).value).toBe("late\n");
    expect((await output.next()).done).toBe(true);
  });

  it("takes megabytes of input", async () => {
    const stdin = "0123456789".repeat(300_000);

    expect((await run(sandbox, ["wc", "-c"], { stdin })).stdout.trim()).toBe("3000000");
  });

  it("is killed when its time is up, with its group, and the sandbox lives on", async () => {
    const process = await sandbox.exec(["sh", "-c", "sleep 1111 & wait"], { timeoutMs: 1000 });

    expect(await process.wait()).toBe(-1);
    expect((await run(sandbox, ["sh", "-c", "ps -e -o args= | grep -c '[s]leep 1111'"])).stdout).toBe("0\n");
  });

  it("has a terminal of 24 by 80 with both streams in one, when it asks for one", async () => {
    const script = "stty size; echo err >&2; read line; echo got $line; exit 5";

    const ended = await run(sandbox, ["sh", "-c", script], { pty: true, stdin: "it's\n" });

    expect(ended).toMatchObject({ stderr: "", code: 5 });
    expect(ended.stdout).toContain("24 80\r\nerr\r\n");
    expect(ended.stdout).toContain("got it's\r\n");
  });

  it("can change the terminal's size from a second command", async () => {
    const process = await sandbox.exec(["sh", "-c", "tty >/tmp/tty; echo there; read line; stty size"], { pty: true });
    const output = process.stdout[Symbol.asyncIterator]();
    await output.next();

    await run(sandbox, ["sh", "-c", 'stty -F "$(cat /tmp/tty)" rows 50 cols 132']);
    await process.stdin.writeText("\n");
    await process.wait();

    let heard = "";
    for (let next = await output.next(); !next.done; next = await output.next()) heard += next.value;
    expect(heard).toContain("50 132");
  });

  it("cannot have more than 64 KiB of arguments, as the SDK sees to", async () => {
    await expect(sandbox.exec(["echo", "x".repeat(70_000)])).rejects.toThrow("ARG_MAX");
  });

  it("says by 127 that there is no such program", async () => {
    expect((await run(sandbox, ["no-such-program"])).code).toBe(127);
  });
});

describe("the network of an emulated sandbox", () => {
  it("is the host's loopback when it is open, and none when it is blocked or has an allow list", async () => {
    const server = createServer((socket) => socket.end("hello\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const connect = ["bash", "-c", `cat </dev/tcp/127.0.0.1/${port} || echo refused`];
    const open = await sdk.newSandbox();
    const listed = await sdk.newSandbox({ outboundDomainAllowlist: ["example.com"] });

    const heard = await Promise.all([open, sandbox, listed].map(async (one) => (await run(one, connect)).stdout));

    server.close();
    expect(heard).toEqual(["hello\n", "refused\n", "refused\n"]);
    expect(emulator.books.sandboxes.find(({ id }) => id === listed.sandboxId)).toMatchObject({
      network: "allow-list",
      allowedDomains: ["example.com"],
    });
  });
});

describe("the SDK's file API in the emulator", () => {
  it("writes, reads, lists, describes and removes", async () => {
    const { filesystem } = sandbox;
    await filesystem.writeText("hi", "/w/deep/a.txt");
    await filesystem.writeBytes(new Uint8Array(1_000_000), "/w/b.bin");
    await run(sandbox, ["ln", "-s", "b.bin", "/w/link"]);

    expect(await filesystem.readText("/w/deep/a.txt")).toBe("hi");
    expect((await filesystem.readBytes("/w/b.bin")).byteLength).toBe(1_000_000);
    expect((await filesystem.listFiles("/w")).map(({ name, type }) => `${name}:${type}`)).toEqual([
      "b.bin:file",
      "deep:directory",
      "link:symlink",
    ]);
    expect(await filesystem.stat("/w/link")).toMatchObject({ type: "symlink", symlinkTarget: "b.bin" });
    await filesystem.remove("/w", { recursive: true });
    await expect(filesystem.stat("/w")).rejects.toThrow("No such file");
  });

  it.each([
    ["SandboxFilesystemNotFoundError", (one: Sandbox) => one.filesystem.readText("/none")],
    ["SandboxFilesystemIsADirectoryError", (one: Sandbox) => one.filesystem.readText("/tmp")],
    ["SandboxFilesystemNotADirectoryError", (one: Sandbox) => one.filesystem.listFiles("/etc/passwd")],
    ["SandboxFilesystemNotADirectoryError", (one: Sandbox) => one.filesystem.writeText("x", "/etc/passwd/x")],
    [
      "SandboxFilesystemPathAlreadyExistsError",
      (one: Sandbox) => one.filesystem.makeDirectory("/tmp", { createParents: false }),
    ],
    ["SandboxFilesystemDirectoryNotEmptyError", (one: Sandbox) => one.filesystem.remove("/etc")],
  ])("says %s", async (name, act) => {
    await expect(act(sandbox)).rejects.toMatchObject({ name });
  });
});
