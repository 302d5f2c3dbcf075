import { createServer } from "node:net";
import type { Sandbox } from "@daytona/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DaytonaEmulator, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import { type ConnectedSdk, connectSdk, follow } from "../emulators/daytona/sdk.ts";

let emulator: DaytonaEmulator;
let sdk: ConnectedSdk;
let sandbox: Sandbox;

beforeAll(async () => {
  emulator = await startDaytonaEmulator();
  sdk = await connectSdk(emulator);
  sandbox = await sdk.newSandbox({ envVars: { OF_SANDBOX: "one" }, networkBlockAll: true });
});

afterAll(async () => {
  await sdk.close();
  await emulator.close();
});

describe("process/execute in the emulated Daytona", () => {
  it("answers with both streams in one, and the exit code", async () => {
    const script = "echo $OF_SANDBOX $OF_COMMAND; echo err >&2; pwd; exit 3";

    const ended = await sandbox.process.executeCommand(script, "/tmp", { OF_COMMAND: "two" });

    expect(ended).toMatchObject({ exitCode: 3, result: "one two\nerr\n/tmp\n" });
  });

  it("says 408 when a command takes longer than it may, and ends it with what it has started", async () => {
    const late = sandbox.process.executeCommand("sleep 1111 & sleep 1111", undefined, undefined, 1);

    await expect(late).rejects.toMatchObject({ name: "DaytonaProcessExecutionTimeoutError", statusCode: 408 });
    const left = await sandbox.process.executeCommand("ps -e -o args= | grep -c '[s]leep 1111'");
    expect(left.result).toBe("0\n");
  });

  it("refuses a command of nothing but blanks", async () => {
    await expect(sandbox.process.executeCommand("  \n")).rejects.toMatchObject({ statusCode: 400 });
  });

  it("runs code of a language", async () => {
    const ran = await sandbox.process.codeRun("import sys; print(sys.argv[1])", { argv: ["given"] });

    expect(ran).toMatchObject({ exitCode: 0, result: "given\n" });
  });

  it("sees files and processes of the sandbox's own and nothing of the emulator's environment", async () => {
    const script = "id -u; hostname; ps -e -o args=; cat /proc/[0-9]*/environ | tr '\\0' '\\n'";

    const { result } = await sandbox.process.executeCommand(script);

    expect(result).toMatch(/^0\ndaytona\n/);
    expect(result).not.toContain("vitest");
    expect(result).not.toContain("VITEST");
  });
});

describe("a session of the emulated Daytona", () => {
  it("keeps the streams apart, also when prefixes are split and stand next to each other", async () => {
    const script = "for n in 1 2 3; do echo out $n; echo err $n >&2; done; (exit 4)";

    const ended = await follow(emulator, sandbox, script);

    expect(ended).toMatchObject({ stdout: "out 1\nout 2\nout 3\n", stderr: "err 1\nerr 2\nerr 3\n", exitCode: 4 });
    expect(ended.frames.slice(0, 2).map((frame) => frame.byteLength)).toEqual([1, 1]);
  });

  it("is told apart by the SDK, too, but for frames that end right after a prefix", async () => {
    await sandbox.process.createSession("sdk");
    const order = { command: "echo out; echo err >&2", runAsync: true };
    const { cmdId } = await sandbox.process.executeSessionCommand("sdk", order);
    let [out, err] = ["", ""];

    const onOut = (chunk: string) => void (out += chunk);
    await sandbox.process.getSessionCommandLogs("sdk", cmdId, onOut, (chunk) => void (err += chunk));

    expect([out, err]).toEqual(["out\n", "err\n"]);
  });

  it("carries lines alone: a last one gets its newline, and bytes of zero are lost", async () => {
    const ended = await follow(emulator, sandbox, "printf 'a\\0b\\nno newline'");

    expect(ended.stdout).toBe("ab\nno newline\n");
  });

  it("carries many lines, and long ones", async () => {
    const ended = await follow(emulator, sandbox, "seq 2000; head -c 300000 /dev/zero | tr '\\0' x");

    expect(ended.stdout).toHaveLength(8893 + 300_001);
    expect(ended.stdout).toMatch(/^1\n2\n.*\n2000\nx+\n$/s);
  });

  it("is the state that the command before has left", async () => {
    await sandbox.process.createSession("state");

    await sandbox.process.executeSessionCommand("state", { command: "cd /usr; NAME=kept" });
    const { stdout, exitCode } = await sandbox.process.executeSessionCommand("state", { command: "pwd; echo $NAME" });

    expect([stdout, exitCode]).toEqual(["/usr\nkept\n", 0]);
  });

  it("runs its commands one after the other", async () => {
    await sandbox.process.createSession("queue");
    const first = { command: "read line; echo first >>/tmp/order", runAsync: true };
    const { cmdId } = await sandbox.process.executeSessionCommand("queue", first);
    const second = sandbox.process.executeSessionCommand("queue", { command: "echo second >>/tmp/order" });

    await sandbox.process.sendSessionCommandInput("queue", cmdId, "go");
    await second;

    expect((await sandbox.process.executeCommand("cat /tmp/order")).result).toBe("first\nsecond\n");
  });

  it("passes input on with a newline, and echoes it unless that is suppressed", async () => {
    await sandbox.process.createSession("input");
    const run = async (suppressInputEcho: boolean) => {
      const order = { command: "read line; echo got $line", runAsync: true, suppressInputEcho };
      const { cmdId } = await sandbox.process.executeSessionCommand("input", order);
      let heard = "";
      const followed = sandbox.process.getSessionCommandLogs("input", cmdId, (chunk) => void (heard += chunk), ignore);
      await sandbox.process.sendSessionCommandInput("input", cmdId, "typed");
      await followed;
      return heard.split("\n").filter(Boolean).sort();
    };

    expect(await run(false)).toEqual(["got typed", "typed"]);
    expect(await run(true)).toEqual(["got typed"]);
  });

  it("says 410 to input for a command that has ended", async () => {
    await sandbox.process.createSession("gone");
    const { cmdId } = await sandbox.process.executeSessionCommand("gone", { command: "true" });

    const typed = sandbox.process.sendSessionCommandInput("gone", cmdId, "late");

    await expect(typed).rejects.toMatchObject({ name: "DaytonaCommandAlreadyCompletedError", statusCode: 410 });
  });

  it("ends its command, and what that has started, when it is deleted", async () => {
    await sandbox.process.createSession("killed");
    const order = { command: "setsid sleep 2222 & echo there; sleep 2222", runAsync: true };
    const { cmdId } = await sandbox.process.executeSessionCommand("killed", order);
    const heard = Promise.withResolvers<string>();
    const followed = sandbox.process.getSessionCommandLogs("killed", cmdId, heard.resolve, ignore);
    await heard.promise;

    await sandbox.process.deleteSession("killed");
    await followed;

    expect((await sandbox.process.executeCommand("ps -e -o args= | grep -c '[s]leep 2222'")).result).toBe("0\n");
    await expect(sandbox.process.getSession("killed")).rejects.toMatchObject({ statusCode: 404 });
  });

  it("is lost to a command that exits: the command never ends", async () => {
    await sandbox.process.createSession("exited");
    const order = { command: "echo said; exit 3", runAsync: true };
    const { cmdId } = await sandbox.process.executeSessionCommand("exited", order);
    const heard = Promise.withResolvers<string>();
    const followed = sandbox.process.getSessionCommandLogs("exited", cmdId, heard.resolve, ignore);
    await heard.promise;

    expect((await sandbox.process.getSessionCommand("exited", cmdId)).exitCode).toBeUndefined();
    await sandbox.process.deleteSession("exited");
    await followed;
  });

  it("hangs on a heredoc, as users report", async () => {
    await sandbox.process.createSession("heredoc");
    const order = { command: "cat <<EOF\ntext\nEOF", runAsync: true };
    const { cmdId } = await sandbox.process.executeSessionCommand("heredoc", order);
    let heard = "";
    const followed = sandbox.process.getSessionCommandLogs("heredoc", cmdId, (chunk) => void (heard += chunk), ignore);

    // A command elsewhere ends meanwhile.
    await follow(emulator, sandbox, "true");

    expect((await sandbox.process.getSessionCommand("heredoc", cmdId)).exitCode).toBeUndefined();
    await sandbox.process.deleteSession("heredoc");
    await followed;
    expect(heard).toBe("");
  });

  it("says 409 to an id that there is, and 404 to one that there is not", async () => {
    await sandbox.process.createSession("twice");

    await expect(sandbox.process.createSession("twice")).rejects.toMatchObject({ name: "DaytonaConflictError" });
    const command = sandbox.process.executeSessionCommand("never", { command: "true" });
    await expect(command).rejects.toMatchObject({ name: "DaytonaNotFoundError" });
  });
});

describe("a session with newer daemons", () => {
  it("takes heredocs", async () => {
    const newer = await startDaytonaEmulator({ sessionCommands: "file" });
    const other = await connectSdk(newer);
    const own = await other.newSandbox();

    const ended = await follow(newer, own, "cat <<EOF\nit's text\nEOF");

    await other.close();
    await newer.close();
    expect(ended).toMatchObject({ stdout: "it's text\n", exitCode: 0 });
  });
});

describe("a terminal of the emulated Daytona", () => {
  it("shows, takes keys, changes its size, and says how its shell has ended", async () => {
    let shown = "";
    const order = { id: "one", cols: 90, rows: 30, envs: { OF_PTY: "three" }, cwd: "/usr", onData: show };
    function show(chunk: Uint8Array): void {
      shown += Buffer.from(chunk).toString();
    }
    const pty = await sandbox.process.createPty(order);

    await pty.sendInput("stty size; echo $OF_PTY $PWD\n");
    await expect.poll(() => shown).toContain("30 90\r\nthree /usr\r\n");
    await pty.resize(132, 50);
    await pty.sendInput("stty size; exit 7\n");

    expect(await pty.wait()).toMatchObject({ exitCode: 7 });
    expect(shown).toContain("50 132\r\n");
  });

  it("goes on without a client, and takes another", async () => {
    const first = await sandbox.process.createPty({ id: "shared", onData: ignore });
    await first.disconnect();
    let shown = "";
    const show = (chunk: Uint8Array) => void (shown += Buffer.from(chunk).toString());

    const second = await sandbox.process.connectPty("shared", { onData: show });
    await second.sendInput("echo still $((40 + 2))\n");

    await expect.poll(() => shown).toContain("still 42");
    expect(await sandbox.process.listPtySessions()).toMatchObject([{ id: "shared", active: true }]);
    await second.kill();
    expect(await second.wait()).toMatchObject({ exitCode: 137 });
    expect(await sandbox.process.listPtySessions()).toEqual([]);
  });

  it("is refused by a message where there is none of that id", async () => {
    const connecting = sandbox.process.connectPty("none", { onData: ignore });

    await expect(connecting).rejects.toThrow("PTY session not found");
  });
});

describe("the interpreter of the emulated Daytona", () => {
  it("keeps names in a context of its own, and tells streams apart", async () => {
    const context = await sandbox.codeInterpreter.createContext("/tmp");
    await sandbox.codeInterpreter.runCode("name = 41", { context });
    const code = "import os, sys; print(name + 1, os.getcwd(), os.environ['OF_CELL']); print('err', file=sys.stderr)";

    const ran = await sandbox.codeInterpreter.runCode(code, { context, envs: { OF_CELL: "cell" } });

    expect(ran).toEqual({ stdout: "42 /tmp cell\n", stderr: "err\n" });
    expect(await sandbox.codeInterpreter.runCode("name")).toMatchObject({ error: { name: "NameError" } });
    expect(await sandbox.codeInterpreter.listContexts()).toMatchObject([{ id: context.id, language: "python" }]);
    await sandbox.codeInterpreter.deleteContext(context);
    expect(await sandbox.codeInterpreter.listContexts()).toEqual([]);
  });

  it("says what went wrong and where", async () => {
    const { error } = await sandbox.codeInterpreter.runCode("x = 1\nx / 0");

    expect(error).toEqual({
      name: "ZeroDivisionError",
      value: "division by zero",
      traceback: 'Traceback (most recent call last):\n  File "<stdin>", line 2\nZeroDivisionError: division by zero\n',
    });
  });

  it("interrupts code whose time is up, and goes on", async () => {
    const context = await sandbox.codeInterpreter.createContext();
    const late = await sandbox.codeInterpreter.runCode("import time\nprint('there')\ntime.sleep(100)", {
      context,
      timeout: 1,
    });

    expect(late.stdout).toBe("there\n");
    expect(await sandbox.codeInterpreter.runCode("print('on')", { context })).toMatchObject({ stdout: "on\n" });
  });

  it("closes with 4008 on code that does not let itself be interrupted, and the context is gone", async () => {
    const context = await sandbox.codeInterpreter.createContext();
    const code = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(100)";

    const late = sandbox.codeInterpreter.runCode(code, { context, timeout: 1 });

    await expect(late).rejects.toMatchObject({ name: "DaytonaTimeoutError" });
    await expect(sandbox.codeInterpreter.runCode("1", { context })).rejects.toThrow("context is not active");
  });
});

describe("the network of an emulated sandbox", () => {
  it("is the host's when it is open, and none when it is blocked or has an allow list", async () => {
    const server = createServer((socket) => socket.end("hello\n"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const connect = `exec 2>/dev/null; cat </dev/tcp/127.0.0.1/${port} || echo refused`;
    const open = await sdk.newSandbox();
    const listed = await sdk.newSandbox({ domainAllowList: "example.com" });

    const heard = await Promise.all(
      [open, sandbox, listed].map(async (one) => (await one.process.executeCommand(connect)).result),
    );

    server.close();
    expect(heard).toEqual(["hello\n", "refused\n", "refused\n"]);
    const records = emulator.books.sandboxes.map(({ network }) => network);
    expect(records).toEqual(["blocked", "open", "allow-list"]);
  });
});

function ignore(): void {}
