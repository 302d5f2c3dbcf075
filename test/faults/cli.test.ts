import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

let folder: string;
let workspace: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "sandpiper-cli-")));
  workspace = join(folder, "workspace");
  await mkdir(join(workspace, ".git"), { recursive: true });
  await mkdir(join(workspace, "sub"));
});

afterAll(async () => {
  for (const pid of await findEnginePids()) process.kill(pid, "SIGTERM");
  await vi.waitUntil(async () => (await findEnginePids()).length === 0, { timeout: 20_000 });
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function findEnginePids(): Promise<number[]> {
  const log = await readFile(join(folder, "state", "engine.log"), "utf8").catch(() => "");
  const pids = [...log.matchAll(/^\S+ (\d+) info The engine \S+ listens/gm)].map(([, pid]) => Number(pid));
  return pids.filter((pid) => existsSync(`/proc/${pid}/exe`));
}

interface Result {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

interface Options {
  readonly cwd?: string;
  readonly stdin?: string | Uint8Array;
  /** Called with the process once it has said something on stdout. */
  readonly onOutput?: (child: ChildProcess) => void;
}

/** Runs the real command line, on the real engine and the local provider. */
function sandpiper(args: readonly string[], options: Options = {}): Promise<Result> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: options.cwd ?? workspace,
    env: { PATH: process.env["PATH"], HOME: folder, SANDPIPER_STATE: join(folder, "state"), SECRET_TOKEN: "hunter2" },
    stdio: "pipe",
  });
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => {
    if (stdout.length === 0) options.onOutput?.(child);
    stdout.push(data);
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  child.stdin.end(options.stdin ?? "");
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
  });
}

function interruptTwice(child: ChildProcess): void {
  child.kill("SIGINT");
  setTimeout(() => child.kill("SIGINT"), 300);
}

async function killEngines(): Promise<void> {
  for (const pid of await findEnginePids()) process.kill(pid, "SIGKILL");
}

function toEvents({ stdout }: Result): Readonly<Record<string, unknown>>[] {
  return stdout
    .toString()
    .trimEnd()
    .split("\n")
    .map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
}

describe("sandpiper run", () => {
  it("prints what the script prints, each stream for itself, and exits as it does", async () => {
    await writeFile(
      join(workspace, "a.py"),
      "import sys\nprint('out', sys.argv[1:])\nprint('err', file=sys.stderr)\nsys.exit(7)\n",
    );

    const { code, stdout, stderr } = await sandpiper(["run", "a.py", "--json", "x y"]);

    expect([code, stdout.toString(), stderr]).toEqual([7, "out ['--json', 'x y']\n", "err\n"]);
  });

  it("is byte-exact both ways: 4 MiB of every byte through stdin and stdout", async () => {
    const bytes = Buffer.alloc(
      4 * 1024 * 1024,
      Uint8Array.from({ length: 256 }, (_, at) => at),
    );

    const { code, stdout } = await sandpiper(["run", "--pull", "none", "--", "cat"], { stdin: bytes });

    expect(code).toBe(0);
    expect(stdout.equals(bytes)).toBe(true);
  });

  it("exits with 128 and the number of the signal that ended the command", async () => {
    expect((await sandpiper(["run", "--", "sh", "-c", "kill -TERM $$"])).code).toBe(143);
  });

  it("runs a command where it was typed, with the variables it was given and no others of ours", async () => {
    const { stdout } = await sandpiper(
      ["run", "--env", "GREETING=hi there", "--", "sh", "-c", 'basename "$PWD"; echo "$GREETING"; env'],
      { cwd: join(workspace, "sub") },
    );

    const [folderName, greeting, ...env] = stdout.toString().split("\n");
    expect([folderName, greeting]).toEqual(["sub", "hi there"]);
    expect(env.join("\n")).not.toMatch(/hunter2|SANDPIPER_STATE|SECRET_TOKEN/);
  });

  it("stops the command by Ctrl+C", async () => {
    const { code } = await sandpiper(["run", "--", "sh", "-c", "echo up; exec sleep 60"], {
      onOutput: (child) => child.kill("SIGINT"),
    });

    expect(code).toBe(130);
  });

  it("kills a command that ignores Ctrl+C at the second one", async () => {
    const { code } = await sandpiper(
      ["run", "--", "sh", "-c", "trap '' INT TERM; echo up; while :; do sleep 0.1; done"],
      { onOutput: interruptTwice },
    );

    expect(code).toBe(137);
  });

  it("stops the command when it is killed itself", async () => {
    await sandpiper(["run", "--", "sh", "-c", "echo up; exec sleep 60"], {
      onOutput: (child) => child.kill("SIGKILL"),
    });

    await expect
      .poll(async () => toEvents(await sandpiper(["runs", "--json"]))[0], { timeout: 10_000 })
      .toMatchObject({ state: "ended", stopReason: "disconnect" });
  });

  it("stops the command when its time is up, and says so", async () => {
    const { code, stderr } = await sandpiper(["run", "--timeout", "500ms", "--", "sleep", "60"]);

    expect(code).toBe(130);
    expect(stderr).toMatch(/its time was up/);
  });

  it("ends quietly when nobody reads its output any more", async () => {
    const { code, stderr } = await sandpiper(["run", "--", "sh", "-c", "while :; do echo y; done"], {
      onOutput: (child) => child.stdout?.destroy(),
    });

    expect(code).toBe(141);
    expect(stderr).not.toMatch(/EPIPE|Error/);
  });

  it("prints events instead when asked for JSON", async () => {
    const result = await sandpiper([
      "run",
      "--json",
      "--",
      "sh",
      "-c",
      "printf 'h\\303\\251'; printf '\\377' >&2; echo x > made.json; exit 3",
    ]);
    const events = toEvents(result);

    expect(events.map(({ type }) => type).filter((type) => type !== "run")).toEqual([
      "output",
      "output",
      "changes",
      "end",
    ]);
    expect(
      events
        .filter(({ type }) => type === "output")
        .map(({ stream, text, base64 }) => `${String(stream)} ${String(text ?? base64)}`)
        .sort(),
    ).toEqual(["stderr /w==", "stdout hé"]);
    expect(events.at(-1)).toEqual({ type: "end", exitCode: 3 });
    expect(result.code).toBe(3);
  });

  it("goes on to tell the truth when the engine is killed under it", async () => {
    const { code, stdout, stderr } = await sandpiper(["run", "--", "sh", "-c", "echo before; exec sleep 60"], {
      onOutput: () => void killEngines(),
    });

    expect(code).toBe(125);
    expect(stdout.toString()).toBe("before\n");
    expect(stderr).toMatch(/engine ended while the command was running/);
  });
});

describe("what the command changed", () => {
  it("is told in one line, listed, and written or left as asked", async () => {
    await writeFile(join(workspace, "data.txt"), "old\n");
    const { stderr } = await sandpiper(["run", "--", "sh", "-c", "echo new > data.txt; echo x > other.txt"]);
    const [, id = ""] = /sandpiper changes (\S+);/.exec(stderr) ?? [];

    expect(stderr.trimEnd().split("\n").length).toBe(1);
    expect((await sandpiper(["changes", id])).stdout.toString()).toBe("M data.txt\nA other.txt\n");
    expect((await sandpiper(["apply", id, "data.txt"])).stdout.toString()).toBe("Written: data.txt\n");
    expect(await readFile(join(workspace, "data.txt"), "utf8")).toBe("new\n");
    expect((await sandpiper(["discard", "last"])).code).toBe(0);
    expect((await sandpiper(["changes", id])).stdout.toString()).toBe(
      "M data.txt (applied)\nA other.txt (discarded)\n",
    );
    expect(existsSync(join(workspace, "other.txt"))).toBe(false);
  });

  it("is written at once with --pull apply", async () => {
    const { stderr } = await sandpiper(["run", "--pull", "apply", "--", "sh", "-c", "echo x > now.txt"]);

    expect(stderr).toBe("sandpiper: Written: now.txt\n");
    expect(await readFile(join(workspace, "now.txt"), "utf8")).toBe("x\n");
  });

  it("is not said with --quiet", async () => {
    expect((await sandpiper(["run", "--quiet", "--", "sh", "-c", "echo x > quiet.txt"])).stderr).toBe("");
  });
});

describe("sandpiper", () => {
  it.each([
    [["run", "nope.py"], /nope\.py cannot be run: it does not exist/],
    [["run", "--network", "x", "a.py"], /--network is one of none, allow-list, full; not "x"\.\nSee: sandpiper --help/],
    [["frobnicate"], /There is no command "frobnicate"/],
    [[], /Say what to do/],
    [["changes", "nope"], /There is no run "nope"/],
    [["destroy"], /Say which one/],
    [["run", "--image", "x", "--gpu", "T4", "--", "true"], /GPU/],
  ])("exits with 125 and says what to do about %j", async (args, message) => {
    const { code, stdout, stderr } = await sandpiper(args);

    expect(code).toBe(125);
    expect(stderr).toMatch(message);
    expect(stdout.length).toBe(0);
  });

  it("prints its help, its version, and a run's output again", async () => {
    expect((await sandpiper(["--help"])).stdout.toString()).toMatch(/^Run code in a sandbox/);
    expect((await sandpiper(["--version"])).stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
    await sandpiper(["run", "--", "echo", "again"]);
    expect((await sandpiper(["logs", "last"])).stdout.toString()).toBe("again\n");
  });

  it("lists sessions and destroys one", async () => {
    await sandpiper(["run", "--", "true"]);
    const sessions = toEvents(await sandpiper(["sessions", "--json"]));
    const id = String(sessions.find((session) => session["state"] === "ready")?.["id"]);

    const { code } = await sandpiper(["destroy", id]);

    expect(code).toBe(0);
    const rows = (await sandpiper(["sessions"])).stdout.toString();
    expect(rows).toContain(`${id}  restorable`);
    expect(rows).not.toContain("running");
  });
});
