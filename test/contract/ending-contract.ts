import { expect, it } from "vitest";
import type { Sandbox } from "../../src/core/sandbox.ts";
import { collectText, newCall, runToEnd, startText, waitForText } from "./run-to-end.ts";

/** How commands end and are ended. */
export function testEndings(open: () => Sandbox): void {
  it.each([0, 1, 2, 42, 126, 127, 128, 129, 130, 137, 143, 200, 254, 255])(
    "reports the exit code %i as a result",
    async (code) => {
      const { status } = await runToEnd(open(), ["sh", "-c", `exit ${code}`]);

      expect(status).toEqual({ kind: "exited", code });
    },
  );

  it.each(["HUP", "INT", "QUIT", "ABRT", "KILL", "USR1", "SEGV", "TERM"])(
    "tells that SIG%s ended the command",
    async (signal) => {
      const { status } = await runToEnd(open(), ["sh", "-c", `kill -${signal} $$; sleep 5`]);

      expect(status).toEqual({ kind: "signaled", signal: `SIG${signal}` });
    },
  );

  it("reports a program that does not exist as 127, with its name", async () => {
    const { status, stderr } = await runToEnd(open(), ["no-such-program"]);

    expect(status).toEqual({ kind: "exited", code: 127 });
    expect(stderr).toContain("no-such-program: not found in the sandbox");
  });

  it("reports a file that is no program as 126, with its name", async () => {
    const { status, stderr } = await runToEnd(open(), ["/etc/passwd"]);

    expect(status).toEqual({ kind: "exited", code: 126 });
    expect(stderr).toContain("/etc/passwd");
  });

  it("ends although a background process holds its streams open, and ends that too", async () => {
    const started = Date.now();

    const { stdout, status } = await runToEnd(open(), ["sh", "-c", "sleep 98 & echo $!; exit 3"]);

    expect(status).toEqual({ kind: "exited", code: 3 });
    expect(Date.now() - started).toBeLessThan(10_000);
    const left = await runToEnd(open(), ["sh", "-c", 'grep -l "^sleep.98" /proc/[0-9]*/cmdline 2>/dev/null | wc -l']);
    expect(stdout).toMatch(/^\d+\n$/);
    expect(left.stdout.trim()).toBe("0");
  });

  it.each(["INT", "TERM", "KILL"] as const)("sends SIG%s to the whole process group", async (name) => {
    const script = "sh -c 'echo child; sleep 97; echo survived' & sleep 97; echo survived";
    const running = await startText(open(), [
      "sh",
      "-c",
      name === "INT" ? `trap 'exit 9' INT; ${script.replace(" &", ";")}` : script,
    ]);
    await waitForText(running, "child");

    await running.process.signal(name);

    const status = await running.process.exit;
    if (name === "INT") expect(status).toEqual({ kind: "exited", code: 9 });
    else expect(status).toEqual({ kind: "signaled", signal: `SIG${name}` });
    expect(running.text()).not.toContain("survived");
  });

  it("lets a command that handles SIGTERM finish its way", async () => {
    const running = await startText(open(), [
      "sh",
      "-c",
      "trap 'echo cleaning; exit 7' TERM; echo ready; while :; do sleep 0.1; done",
    ]);
    await waitForText(running, "ready");

    await running.process.signal("TERM");

    expect(await running.process.exit).toEqual({ kind: "exited", code: 7 });
    await waitForText(running, "cleaning");
  });

  it("takes signals, input and sizes after the end without complaint", async () => {
    const { process } = await runToEnd(open(), ["true"]);

    await process.signal("TERM");
    await process.write(Buffer.from("late"));
    await process.closeStdin();
    await process.resize({ columns: 80, rows: 24 });
  });

  it("kills a command that ignores signals within 2 s of an abort, and stays usable", async () => {
    const controller = new AbortController();
    const call = { ...newCall(), signal: controller.signal };
    const running = await startText(
      open(),
      ["sh", "-c", "trap '' INT TERM HUP; echo ready; while :; do sleep 1; done"],
      { call },
    );
    await waitForText(running, "ready");
    const started = Date.now();

    controller.abort();
    const status = await running.process.exit;

    expect(status).toEqual({ kind: "signaled", signal: "SIGKILL" });
    expect(Date.now() - started).toBeLessThan(2000);
    expect((await runToEnd(open(), ["echo", "alive"])).stdout).toBe("alive\n");
  });

  it("kills a command whose output nobody reads within 2 s of an abort", async () => {
    const controller = new AbortController();
    const process = await open().exec({ argv: ["sh", "-c", "yes"] }, { ...newCall(), signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const started = Date.now();

    controller.abort();
    await Promise.all([
      process.exit,
      collectText(process.stdout).catch(() => ""),
      collectText(process.stderr).catch(() => ""),
    ]);

    expect(Date.now() - started).toBeLessThan(5000);
    expect((await runToEnd(open(), ["echo", "alive"])).stdout).toBe("alive\n");
  });

  it("rejects exec with the abort reason when the call is already aborted", async () => {
    const reason = new Error("no more");

    await expect(open().exec({ argv: ["true"] }, { ...newCall(), signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });
}
