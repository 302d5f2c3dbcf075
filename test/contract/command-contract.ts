import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { Sandbox } from "../../src/core/sandbox.ts";
import type { ContractSubject } from "./contract-subject.ts";
import { collectText, newCall, runToEnd, startText, toArray, waitForText } from "./run-to-end.ts";

const ODD_ARGUMENTS = [
  "",
  " ",
  "a b",
  "$(touch /tmp/hacked)",
  "`id`",
  "'\"",
  "-n",
  "--",
  "*",
  "~",
  "a\nb",
  "naïve 日本 🦩",
  "\\0\\n",
];

const count = (letter: string): string[] => {
  return ["sh", "-c", `i=0; while [ $i -lt 2000 ]; do echo ${letter}$i; i=$((i + 1)); done`];
};

/** What goes into a command and comes out of it. */
export function testCommands(open: () => Sandbox, subject: ContractSubject): void {
  it("hands arguments on as they are, without a shell", async () => {
    const { stdout, status } = await runToEnd(open(), ["printf", "<%s>", ...ODD_ARGUMENTS]);

    expect(stdout).toBe(ODD_ARGUMENTS.map((argument) => `<${argument}>`).join(""));
    expect(status).toEqual({ kind: "exited", code: 0 });
  });

  it("takes a command line of 1 MB", async () => {
    const long = Array.from({ length: 10 }, (_, index) => String(index).repeat(100_000));

    const { stdout } = await runToEnd(open(), ["sh", "-c", 'printf %s "$@" | sha256sum', "sh", ...long]);

    expect(stdout.split(" ")[0]).toBe(createHash("sha256").update(long.join("")).digest("hex"));
  });

  it("sets the environment of the spec and of the command, values untouched", async () => {
    const env = { PLAIN: "x", ODD: " a=b \"'\n$HOME 日本 ", EMPTY: "" };

    const { stdout } = await runToEnd(open(), ["env", "-0"], { env });

    const found = Object.fromEntries(
      stdout
        .split("\0")
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    expect(found).toMatchObject({ ...subject.spec.env, ...env });
    expect(found["HOME"]).toMatch(/^\//);
    expect(found["PATH"]).toContain("/bin");
  });

  it("starts in the workspace, or in the folder of it that is asked for", async () => {
    const folder = "dir with spaces/日本";
    await runToEnd(open(), ["mkdir", "-p", folder]);

    expect((await runToEnd(open(), ["pwd"])).stdout).toBe(`${open().workspace}\n`);
    expect((await runToEnd(open(), ["pwd"], { cwd: folder })).stdout).toBe(`${open().workspace}/${folder}\n`);
  });

  it.each(["..", "/etc", "a/../../b"])("refuses the working folder %s as invalid", async (cwd) => {
    await expect(open().exec({ argv: ["pwd"], cwd }, newCall())).rejects.toMatchObject({ code: "invalid" });
  });

  it("refuses a command without a program, and a NUL byte in an argument, as invalid", async () => {
    await expect(open().exec({ argv: [] }, newCall())).rejects.toMatchObject({ code: "invalid" });
    await expect(open().exec({ argv: ["echo", "a\0b"] }, newCall())).rejects.toMatchObject({ code: "invalid" });
  });

  it("keeps stdout and stderr apart, to the byte", async () => {
    const script = 'i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %03o $i)"; i=$((i + 1)); done';
    const process = await open().exec({ argv: ["sh", "-c", `${script}; { ${script}; } >&2`] }, newCall());
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

    const [stdout, stderr] = await Promise.all([toArray(process.stdout), toArray(process.stderr)]);

    expect(Buffer.concat(stdout).equals(every)).toBe(true);
    expect(Buffer.concat(stderr).equals(every)).toBe(true);
  });

  it("brings large output whole and in order", async () => {
    const bytes = (subject.outputMiB ?? 64) * 1024 * 1024;
    const process = await open().exec(
      { argv: ["sh", "-c", `yes "a line of some length, counted by nobody" | head -c ${bytes}`] },
      newCall(),
    );
    const expected = createHash("sha256");
    const line = Buffer.from("a line of some length, counted by nobody\n");
    const block = Buffer.concat(Array.from({ length: 1000 }, () => line));
    for (let left = bytes; left > 0; left -= block.length)
      expected.update(block.subarray(0, Math.min(left, block.length)));

    const found = createHash("sha256");
    const read = async (): Promise<void> => {
      for await (const chunk of process.stdout) found.update(chunk);
    };
    const [, stderr] = await Promise.all([read(), collectText(process.stderr)]);

    expect(stderr).toBe("");
    expect(await process.exit).toEqual({ kind: "exited", code: 0 });
    expect(found.digest("hex")).toBe(expected.digest("hex"));
  });

  it("takes large input whole", async () => {
    const process = await open().exec({ argv: ["sha256sum"] }, newCall());
    const out = collectText(process.stdout);
    const hash = createHash("sha256");
    for (let index = 0; index < (subject.inputMiB ?? 16); index++) {
      const block = Buffer.alloc(1024 * 1024, index + 1);
      hash.update(block);
      await process.write(block);
    }
    await process.closeStdin();

    expect((await out).split(" ")[0]).toBe(hash.digest("hex"));
    expect(await process.exit).toEqual({ kind: "exited", code: 0 });
  });

  it("tells the command that input has ended, and only then", async () => {
    const running = await startText(open(), ["sh", "-c", "read line; echo got $line; cat; echo end"]);
    await running.process.write(Buffer.from("one\n"));
    await waitForText(running, "got one");
    await running.process.write(Buffer.from("two\n"));
    await waitForText(running, "two");
    expect(running.text()).not.toContain("end");

    await running.process.closeStdin();

    await waitForText(running, "end");
    expect(await running.process.exit).toEqual({ kind: "exited", code: 0 });
  });

  it("lets programs open /dev/stdin, /dev/stdout and /dev/stderr", async () => {
    const process = await open().exec(
      { argv: ["sh", "-c", "cat /dev/stdin >/dev/stdout; echo err >/dev/stderr"] },
      newCall(),
    );
    await process.write(Buffer.from("in"));
    await process.closeStdin();

    expect(await Promise.all([collectText(process.stdout), collectText(process.stderr)])).toEqual(["in", "err\n"]);
  });

  it("runs two commands at once without mixing them", async () => {
    const [a, b] = await Promise.all([runToEnd(open(), count("a")), runToEnd(open(), count("b"))]);

    const numbers = Array.from({ length: 2000 }, (_, index) => index);
    expect(a.stdout).toBe(numbers.map((number) => `a${number}\n`).join(""));
    expect(b.stdout).toBe(numbers.map((number) => `b${number}\n`).join(""));
  });

  it("holds the command back when nobody reads, and loses nothing when they do late", async () => {
    const bytes = 16 * 1024 * 1024;
    const process = await open().exec({ argv: ["sh", "-c", `head -c ${bytes} /dev/zero; touch written`] }, newCall());
    // Reaches the end of its output only if something takes it in without limit.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { status } = await runToEnd(open(), ["test", "-e", "written"]);
    expect(status).toEqual({ kind: "exited", code: subject.cannot?.holdBack ? 0 : 1 });

    let length = 0;
    for await (const chunk of process.stdout) length += chunk.length;
    await collectText(process.stderr);

    expect(length).toBe(bytes);
    expect(await process.exit).toEqual({ kind: "exited", code: 0 });
  });
}
