import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Process } from "../../../../src/core/sandbox.ts";
import { toProcess } from "../../../../src/providers/posix/supervised-process.ts";
import { SCRIPTS, signalCommand, superviseCommand } from "../../../../src/providers/posix/supervise.ts";
import { createNonce } from "../../../../src/providers/posix/trailer-filter.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "supervise-"));
  // A PATH without perl; the scripts look in /usr/bin too, which `withoutPerl` takes out.
  for (const name of ["sh", "cat", "sleep", "setsid", "rm", "grep"]) symlinkSync(findTool(name), join(folder, name));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function findTool(name: string): string {
  const found = ["/usr/bin", "/bin"].map((place) => join(place, name)).find((file) => existsSync(file));
  if (!found) throw new Error(`This test needs ${name}.`);
  return found;
}

interface Supervised {
  readonly process: Process;
  readonly child: ChildProcess;
  readonly pidFile: string;
}

function start(argv: readonly string[], shell: "perl" | "sh"): Supervised {
  const nonce = createNonce();
  const pidFile = join(folder, `pid-${nonce}`);
  const [program = "", ...args] = superviseCommand(argv, { nonce, pidFile });
  const usable =
    shell === "perl" ? args : args.map((argument) => argument.replaceAll(/\/usr\/(local\/)?bin\/perl/g, "/none"));
  const child = spawn(program, usable, { env: { PATH: shell === "perl" ? "/usr/bin:/bin" : folder } });
  const supervised = toProcess({
    nonce,
    stdout: child.stdout,
    stderr: child.stderr,
    write: async (data) => void child.stdin.write(data),
    closeStdin: async () => void child.stdin.end(),
    signal: async (name) => {
      const [kill = "", ...rest] = signalCommand(pidFile, name);
      await new Promise((resolve) => spawn(kill, rest).once("exit", resolve));
    },
    resize: async () => {},
    whenLost: () => ({ kind: "lost", reason: "the test killed it" }),
    release: () => void child.stdin.destroy(),
  });
  return { process: supervised, child, pidFile };
}

async function readText(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += Buffer.from(chunk).toString("utf8");
  return text;
}

describe.each(["perl", "sh"] as const)("a command supervised by %s", (shell) => {
  it.each([0, 1, 126, 127, 255])("ends with its exit code %i", async (code) => {
    const { process } = start(["sh", "-c", `echo out; echo err >&2; exit ${code}`], shell);

    expect(await Promise.all([readText(process.stdout), readText(process.stderr)])).toEqual(["out\n", "err\n"]);
    expect(await process.exit).toEqual({ kind: "exited", code });
  });

  it("ends with its signal, and nobody talks about it on its streams", async () => {
    const { process } = start(["sh", "-c", "kill -TERM $$"], shell);

    expect(await Promise.all([readText(process.stdout), readText(process.stderr)])).toEqual(["", ""]);
    expect(await process.exit).toEqual({ kind: "signaled", signal: "SIGTERM" });
  });

  it("is told that it does not exist", async () => {
    const { process } = start(["no-such-thing"], shell);

    expect(await readText(process.stderr)).toBe("no-such-thing: not found in the sandbox\n");
    expect(await process.exit).toEqual({ kind: "exited", code: 127 });
  });

  it("is told that it is not executable", async () => {
    const { process } = start(["/etc/passwd"], shell);

    expect(await readText(process.stderr)).toBe("/etc/passwd: not executable in the sandbox\n");
    expect(await process.exit).toEqual({ kind: "exited", code: 126 });
  });

  it("can be signalled with all its group by the pid file, which goes with it", async () => {
    const { process, pidFile } = start(
      ["sh", "-c", "trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.05; done"],
      shell,
    );
    let text = "";
    for await (const chunk of process.stdout) {
      text += Buffer.from(chunk).toString("utf8");
      if (text === "ready\n") await process.signal("INT");
    }

    expect(text).toBe("ready\ncaught\n");
    expect(await process.exit).toEqual({ kind: "exited", code: 4 });
    expect(existsSync(pidFile)).toBe(false);
  });

  it("ends although its background process holds the streams, and takes that along", async () => {
    const { process } = start(["sh", "-c", "sleep 60 & echo $!; exit 0"], shell);

    const pid = (await readText(process.stdout)).trim();

    expect(await process.exit).toEqual({ kind: "exited", code: 0 });
    expect(readState(pid)).toMatch(/^[ZX-]$/);
  });

  it("is lost when its supervisor dies", async () => {
    const { process, child } = start(["sh", "-c", "echo ready; sleep 60"], shell);
    for await (const chunk of process.stdout) {
      expect(Buffer.from(chunk).toString()).toBe("ready\n");
      await process.signal("KILL");
      child.kill("SIGKILL");
      child.stdout?.destroy();
      child.stderr?.destroy();
    }

    expect((await process.exit).kind).toMatch(/lost|signaled/);
  });
});

describe("with perl", () => {
  it("takes along what left the process group, and hides the nonce", async () => {
    const script = "setsid sh -c 'echo $$; exec sleep 60' & sleep 0.3; tr '\\0' ' ' </proc/$PPID/cmdline";
    const { process } = start(["sh", "-c", script], "perl");

    const [pid = "", parent] = (await readText(process.stdout)).split("\n");

    expect(await process.exit).toEqual({ kind: "exited", code: 0 });
    expect(readState(pid)).toMatch(/^[ZX-]$/);
    expect(parent?.trim()).toBe("sandpiper");
  });
});

/** "-" when there is no such process any more. */
function readState(pid: string): string {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1] ?? "?";
  } catch {
    return "-";
  }
}

describe("the supervisor in perl", () => {
  it("is clean under strict, which it does not load itself", () => {
    const { status, stderr } = spawnSync(findTool("perl"), ["-Mstrict", "-c", "-e", SCRIPTS.perl], {
      encoding: "utf8",
    });

    expect([status, stderr]).toEqual([0, "-e syntax OK\n"]);
  });

  it("loads no module, as each takes longer than the rest of it", () => {
    const script = SCRIPTS.perl.replace(/^trailer\(\);$/m, "print STDERR sort keys %INC; trailer();");
    const argv = ["-e", script, "--", "nonce", "", "", "pipes", "", "", "true"];

    expect(spawnSync(findTool("perl"), argv, { encoding: "latin1" }).stderr).toBe("\xC1nonce exited 0\xC1");
  });
});
