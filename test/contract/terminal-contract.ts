import { expect, it } from "vitest";
import type { Sandbox } from "../../src/core/sandbox.ts";
import type { ContractSubject } from "./contract-subject.ts";
import { collectText, newCall, startText, toArray, waitForText } from "./run-to-end.ts";

const SIZE = { columns: 91, rows: 33 };

/** What a command with a terminal may count on. */
export function testTerminalContract(open: () => Sandbox, { cannot }: ContractSubject): void {
  it("gives a terminal of the size asked for, and one stream", async () => {
    const process = await open().exec(
      { argv: ["sh", "-c", "test -t 0 && test -t 1 && test -t 2 && stty size; echo err >&2"], pty: SIZE },
      newCall(),
    );

    const [stdout, stderr] = await Promise.all([collectText(process.stdout), collectText(process.stderr)]);

    expect(stdout).toBe("33 91\r\nerr\r\n");
    expect(stderr).toBe("");
    expect(await process.exit).toEqual({ kind: "exited", code: 0 });
  });

  it("tells the command of a new size", async () => {
    const script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done";
    const running = await startText(open(), ["sh", "-c", script], { pty: SIZE });
    await waitForText(running, "ready");

    await running.process.resize({ columns: 120, rows: 50 });

    await waitForText(running, "50 120");
    await running.process.signal("KILL");
    expect(await running.process.exit).toEqual({ kind: "signaled", signal: "SIGKILL" });
  });

  it("turns Ctrl+C into SIGINT for what runs in the foreground", async () => {
    const running = await startText(open(), ["sh", "-c", "echo ready; exec sleep 96"], { pty: SIZE });
    await waitForText(running, "ready");

    await running.process.write(Buffer.from("\x03"));

    expect(await running.process.exit).toEqual({ kind: "signaled", signal: "SIGINT" });
  });

  it("runs an interactive shell that outlives the Ctrl+C of its jobs", async () => {
    const running = await startText(open(), ["sh", "-i"], { pty: SIZE, env: { PS1: "prompt> " } });
    await waitForText(running, "prompt> ");
    await running.process.write(Buffer.from("sleep 95\r"));
    await waitForText(running, "sleep 95");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await running.process.write(Buffer.from("\x03"));
    await running.process.write(Buffer.from("echo still $((40 + 2))\r"));
    await waitForText(running, "still 42");
    await running.process.write(Buffer.from("exit 5\r"));

    expect(await running.process.exit).toEqual({ kind: "exited", code: 5 });
  });

  it("ends input with closeStdin", async () => {
    const running = await startText(open(), ["sh", "-c", "cat; echo end"], { pty: SIZE });
    await running.process.write(Buffer.from("line\r"));
    await waitForText(running, /line\r\nline\r\n/);

    await running.process.closeStdin();
    if (cannot?.endTerminalInput) {
      expect(cannot.endTerminalInput).not.toBe("");
      await running.process.signal("KILL");
      return;
    }

    await waitForText(running, "end");
    expect(await running.process.exit).toEqual({ kind: "exited", code: 0 });
  });

  it.each(["INT", "TERM", "KILL"] as const)("signals what runs in the terminal with SIG%s", async (name) => {
    const running = await startText(open(), ["sh", "-c", "echo ready; exec sleep 94"], { pty: SIZE });
    await waitForText(running, "ready");

    await running.process.signal(name);

    expect(await running.process.exit).toEqual({ kind: "signaled", signal: `SIG${name}` });
  });

  it("keeps bytes that are not text as they are", async () => {
    const argv = ["sh", "-c", String.raw`stty -opost; printf '\301\300\377\000\033[31m'`];
    const process = await open().exec({ argv, pty: SIZE }, newCall());

    const bytes = Buffer.concat(await toArray(process.stdout));

    expect(bytes.toString("latin1")).toBe("\xc1\xc0\xff\0\x1b[31m");
  });
}
