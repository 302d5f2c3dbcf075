import { spawn } from "node:child_process";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Door } from "./door.ts";
import { AS_ORDINARY_USER } from "./worlds.ts";

let door: Door;

beforeEach(async () => {
  door = await Door.open();
});

afterEach(() => door.close());

/** Typed, where vitest's matcher is any. */
function textMatching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

/** Runs a line for the shell beside what `action` does, over and over. */
async function whileShell<T>(line: string, action: () => Promise<T>): Promise<T> {
  const child = spawn("sh", ["-c", `while :; do ${line}; done`], { cwd: door.workspace, stdio: "ignore" });
  try {
    return await action();
  } finally {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
  }
}

describe("a workspace that does not hold still", () => {
  it("in which files come, change, grow and go while they are scanned and sent is sent, each file whole", async () => {
    for (let at = 0; at < 300; at++) await door.write(`steady/f${at}`, `steady ${at}\n`);
    const churn =
      "printf 'aaaa\\n' > c.tmp; mv c.tmp changing; echo more >> growing; mkdir -p v/w; echo x > v/w/x; rm -rf v; echo y > fleeting; rm fleeting";
    const check = "cat changing 2>/dev/null; cat steady/* | wc -l; tail -n 1 growing";

    const said = await whileShell(`${churn}; printf 'bbbb\\n' > c.tmp; mv c.tmp changing`, async () => {
      const runs = [];
      for (let at = 0; at < 4; at++) runs.push(await door.run(check, "--quiet"));
      return runs;
    });

    for (const { code, stdout, stderr } of said) {
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout.toString()).toMatch(/^(?:(?:aaaa|bbbb)\n)?300\n(?:more\n)?$/);
    }
    // Once it holds still, the sandbox has what is here.
    await door.write("growing", "at rest\n");
    expect((await door.run("cat growing; ls")).stdout.toString()).toMatch(/^at rest\nchanging\ngrowing\nsteady\n/);
  });

  it("claims no change of its own as the run's", async () => {
    await door.write("ours", "1\n");

    const said = await whileShell("echo $$ >> ours; echo x > passing; rm passing", () =>
      door.run("sleep 0.5; echo x > theirs"),
    );

    expect(said.code).toBe(0);
    expect((await door.changes()).filter((change) => !change.includes("passing"))).toEqual(["A theirs"]);
  });

  it("whose script is deleted once the run has been asked for still comes to a clear end", async () => {
    await door.write("a.py", "print('ran')\n");

    const said = await whileShell("rm -f a.py; echo \"print('ran')\" > a.py", async () => {
      const runs = [];
      for (let at = 0; at < 4; at++) runs.push(await door.say(["run", "--quiet", "a.py"]));
      return runs;
    });

    for (const { code, stdout, stderr } of said) {
      // Empty while it is being written, which is a script that does nothing.
      if (code === 0) expect(["", "ran\n"]).toContain(stdout.toString());
      else expect(stderr).toMatch(/a\.py.*(?:does not exist|is gone|removed|No such file)/);
    }
  });
});

describe("a file that you may not read", () => {
  it("is left out and told of; the rest is sent", async () => {
    await door.write("open", "o");
    await door.write("closed", "c");
    await door.write("folder/inner", "i");
    await chmod(join(door.workspace, "closed"), 0);
    await chmod(join(door.workspace, "folder"), 0);

    const run = await door.say(["run", "--json", "--", "sh", "-c", "ls"], { inside: AS_ORDINARY_USER });
    const script = await door.say(["run", "closed"], { inside: AS_ORDINARY_USER });
    await chmod(join(door.workspace, "folder"), 0o755);

    expect([run.code, run.stdout.toString()]).toEqual([0, textMatching(/"text":"open\\n"/)]);
    expect(run.stdout.toString()).toMatch(/"path":"closed","reason":"it cannot be read/);
    expect(run.stdout.toString()).toMatch(/"path":"folder","reason":"it cannot be read/);
    expect([script.code, script.stderr]).toEqual([125, textMatching(/closed cannot be run: you may not read it/)]);
    expect(run.stdout.toString()).not.toMatch(/"deleted":[1-9]/);
  });

  it("does not count as deleted when it could be read before", async () => {
    await door.write("once-open", "o");
    await door.say(["run", "--", "true"], { inside: AS_ORDINARY_USER });
    await chmod(join(door.workspace, "once-open"), 0);

    const { code, stderr } = await door.say(["run", "--", "true"], { inside: AS_ORDINARY_USER });

    expect([code, stderr]).toEqual([0, ""]);
  });
});

describe("a workspace that goes away in mid-run", () => {
  it("leaves the run and its results for review, and comes back with them", async () => {
    await door.write("kept", "1\n");

    const { code, stdout } = await door.run("echo up; sleep 0.7; echo 2 > kept; echo 3 > made", "--quiet");
    expect([code, stdout.toString()]).toEqual([0, "up\n"]);
    const gone = await door.say(["run", "--quiet", "--", "sh", "-c", "echo up; sleep 0.7; echo 4 > more"], {
      onOutput: () => void rm(door.workspace, { recursive: true }),
    });
    const cwd = door.folder;

    expect([gone.code, gone.stdout.toString()]).toEqual([0, "up\n"]);
    expect((await door.lastRun()).changes).toMatchObject({ added: 1, deleted: 0, pending: 1 });
    expect((await door.say(["changes", "last"], { cwd })).stderr).toMatch(
      /The workspace .* is not there\. Put it back/,
    );
    await mkdir(door.workspace);
    await writeFile(join(door.workspace, "kept"), "1\n");
    expect((await door.say(["apply", "last"])).stdout.toString()).toBe("Written: more\n");
    expect(await door.read("more")).toBe("4\n");
  });
});

describe("two callers of one workspace", () => {
  it("run at once without hurting each other", async () => {
    await door.write("input", "i\n");

    const both = await Promise.all([
      door.run("sleep 0.3; echo one > one; cat input"),
      door.run("sleep 0.3; echo two > two; cat input"),
    ]);

    expect(both.map(({ code, stdout }) => [code, stdout.toString()])).toEqual([
      [0, "i\n"],
      [0, "i\n"],
    ]);
    expect((await door.enginePids()).length).toBe(1);
    const engine = await door.connect();
    const runs = await engine.listRuns();
    const changes = await Promise.all(runs.map(({ id }) => engine.readChanges(id)));
    expect(new Set(changes.flat().map(({ path }) => path))).toEqual(new Set(["one", "two"]));
  });
});
