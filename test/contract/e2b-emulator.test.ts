import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type E2bEmulator, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { type ConnectedSdk, type SdkSandbox, connectSdk, run } from "../emulators/e2b/sdk.ts";
import { listen, portOf } from "../emulators/shared/loopback.ts";

let emulator: E2bEmulator;
let sdk: ConnectedSdk;
let sandbox: SdkSandbox;

beforeAll(async () => {
  emulator = await startE2bEmulator();
  sdk = connectSdk(emulator);
  sandbox = await sdk.newSandbox({ envs: { OF_SANDBOX: "one" }, allowInternetAccess: false });
});

afterAll(() => emulator.close());

describe("a command in the emulated E2B", () => {
  it("has separate streams, variables of its own and of the sandbox, and an exit code", async () => {
    const ended = await run(sandbox, "echo $OF_SANDBOX $OF_COMMAND; echo err >&2; exit 3", {
      envs: { OF_COMMAND: "two" },
    });

    expect(ended).toEqual({ stdout: "one two\n", stderr: "err\n", exitCode: 3 });
  });

  it("runs as the user in its home, and as root when it is asked for", async () => {
    expect((await run(sandbox, "whoami; id -u; pwd")).stdout).toBe("user\n1000\n/home/user\n");
    expect((await run(sandbox, "whoami; id -u; pwd", { user: "root" })).stdout).toBe("root\n0\n/root\n");
  });

  it("cannot be run by somebody who is not there", async () => {
    await expect(run(sandbox, "true", { user: "nobody-here" })).rejects.toMatchObject({ name: "AuthenticationError" });
  });

  it("may not write where the user may not", async () => {
    expect(await run(sandbox, "echo x >/etc/passwd")).toMatchObject({ exitCode: 1 });
  });

  it("knows where it is, and nothing of the emulator's environment", async () => {
    const { stdout } = await run(sandbox, "echo $E2B_SANDBOX_ID; env");

    expect(stdout.split("\n")[0]).toBe(sandbox.sandboxId);
    expect(stdout).not.toContain("VITEST");
  });

  it("starts in the folder that it is given, and not in one that is missing", async () => {
    expect((await run(sandbox, "pwd", { cwd: "/tmp" })).stdout).toBe("/tmp\n");
    await expect(run(sandbox, "pwd", { cwd: "/missing" })).rejects.toMatchObject({ name: "InvalidArgumentError" });
  });

  it("reads input that is sent to it, until that is closed", async () => {
    const handle = await sandbox.commands.run("cat", { background: true, stdin: true });
    await handle.sendStdin("one\n");
    await handle.sendStdin("two\n");
    await handle.closeStdin();

    expect((await handle.wait()).stdout).toBe("one\ntwo\n");
  });

  it("has no input unless it asks for it", async () => {
    expect((await run(sandbox, "cat; echo over")).stdout).toBe("over\n");
    const handle = await sandbox.commands.run("sleep 100", { background: true });
    await expect(handle.sendStdin("x")).rejects.toThrow("stdin not enabled");
    await handle.kill();
  });

  it("is listed while it runs, by the number that it has inside", async () => {
    const handle = await sandbox.commands.run("echo $$; sleep 100", { background: true });

    expect((await sandbox.commands.list()).find(({ pid }) => pid === handle.pid)?.args).toContain("echo $$; sleep 100");
    await run(sandbox, `kill -TERM ${handle.pid}`);
    await expect(handle.wait()).rejects.toMatchObject({ stdout: `${handle.pid}\n`, error: "signal: terminated" });
    expect((await sandbox.commands.list()).map(({ pid }) => pid)).not.toContain(handle.pid);
  });

  it("is killed without what it has started, as it is by E2B", async () => {
    const there = Promise.withResolvers<void>();
    const script = "sleep 1111 & echo there; wait";
    const handle = await sandbox.commands.run(script, { background: true, onStdout: () => there.resolve() });
    await there.promise;

    expect(await handle.kill()).toBe(true);
    await expect(handle.wait()).rejects.toMatchObject({ exitCode: -1, error: "signal: killed" });
    expect((await run(sandbox, "ps -e -o args= | grep -c '[s]leep 1111'")).stdout).toBe("1\n");
    expect(await sandbox.commands.kill(handle.pid)).toBe(false);
  });

  it("is killed when the time that its client gives it is up", async () => {
    await expect(sandbox.commands.run("sleep 1234", { timeoutMs: 500 })).rejects.toMatchObject({
      name: "TimeoutError",
    });

    const gone = "while ps -e -o args= | grep -q '^sleep 1234'; do sleep 0.05; done; echo gone";
    expect((await run(sandbox, gone)).stdout).toBe("gone\n");
  });

  it("runs on when its client leaves, and another hears what it says from then on", async () => {
    const script = "echo early; read word; echo late $word";
    const early = Promise.withResolvers<void>();
    const onStdout = () => early.resolve();
    const first = await sandbox.commands.run(script, { background: true, stdin: true, onStdout });
    await early.promise;
    await first.disconnect();

    const second = await sandbox.commands.connect(first.pid);
    await sandbox.commands.sendStdin(first.pid, "word\n");

    expect((await second.wait()).stdout).toBe("late word\n");
    await expect(sandbox.commands.connect(first.pid)).rejects.toMatchObject({ name: "NotFoundError" });
  });

  it("is heard by everybody who listens, megabytes of it", async () => {
    const first = await sandbox.commands.run("read go; seq 300000", { background: true, stdin: true });
    const second = await sandbox.commands.connect(first.pid);
    await first.sendStdin("\n");

    const [one, other] = await Promise.all([first.wait(), second.wait()]);

    expect(one.stdout.trimEnd().split("\n")).toHaveLength(300_000);
    expect(other.stdout).toBe(one.stdout);
  });
});

describe("a terminal in the emulated E2B", () => {
  it("has the size that it is given, and another one later", async () => {
    let heard = "";
    const sizes = Promise.withResolvers<void>();
    const terminal = await sandbox.pty.create({
      rows: 30,
      cols: 100,
      timeoutMs: 0,
      onData: (data) => {
        heard += new TextDecoder().decode(data);
        if (heard.includes("30 100")) sizes.resolve();
      },
    });

    await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode("stty size\n"));
    await sizes.promise;
    await sandbox.pty.resize(terminal.pid, { rows: 50, cols: 132 });
    await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode("stty size; exit 5\n"));
    await expect(terminal.wait()).rejects.toMatchObject({ exitCode: 5 });

    expect(heard).toContain("50 132");
  });

  it("takes what is typed, and no other input", async () => {
    const terminal = await sandbox.pty.create({ rows: 24, cols: 80, onData: () => {} });

    await expect(sandbox.commands.sendStdin(terminal.pid, "x")).rejects.toThrow("not written to its stdin");
    expect(await sandbox.pty.kill(terminal.pid)).toBe(true);
  });
});

describe("the network of an emulated sandbox", () => {
  it("is the host's loopback when it is open, and none when it is closed or has a list", async () => {
    const server = await listen(createServer((socket) => socket.end("hello\n")));
    const connect = `cat </dev/tcp/127.0.0.1/${portOf(server)} || echo refused`;
    const open = await sdk.newSandbox();
    const listed = await sdk.newSandbox({
      network: { allowOut: ["example.com"], denyOut: ({ allTraffic }) => [allTraffic] },
    });

    const heard = await Promise.all([open, sandbox, listed].map(async (one) => (await run(one, connect)).stdout));

    server.close();
    expect(heard).toEqual(["hello\n", "refused\n", "refused\n"]);
    expect(toNetworks([open, sandbox, listed])).toEqual(["open", "blocked", "allow-list"]);
  });

  it("is described to whoever asks, and can be described anew", async () => {
    const own = await sdk.newSandbox({ network: { denyOut: ["10.0.0.0/8"] } });
    expect(toNetworks([own])).toEqual(["deny-list"]);

    await own.updateNetwork({ allowInternetAccess: false });

    expect(toNetworks([own])).toEqual(["blocked"]);
    expect(await own.getInfo()).toMatchObject({ allowInternetAccess: false });
  });
});

function toNetworks(sandboxes: readonly SdkSandbox[]): (string | undefined)[] {
  return sandboxes.map(({ sandboxId }) => emulator.books.sandboxes.find(({ id }) => id === sandboxId)?.network);
}
