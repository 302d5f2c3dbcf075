import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Door } from "./door.ts";

// What an escalation takes at most: INT, 2 s, TERM, 2 s, KILL.
const STOPPED_WITHIN_MS = 6000;

let door: Door;

beforeAll(async () => {
  door = await Door.open();
});

afterAll(() => door.close());

/** Processes on this machine, in sandboxes or not, whose command line or environment holds a mark. */
function countMarked(mark: string): number {
  const holds = (file: string): boolean => {
    try {
      return readFileSync(file, "latin1").includes(mark);
    } catch {
      // It has just ended.
      return false;
    }
  };
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.filter((pid) => holds(`/proc/${pid}/cmdline`) || holds(`/proc/${pid}/environ`)).length;
}

function readFreeMiB(): number {
  const { bavail, bsize } = statfsSync(door.folder);
  return (bavail * bsize) / 1024 ** 2;
}

async function expectNextRunToWork(): Promise<void> {
  const { code, stdout } = await door.run("echo next");
  expect([code, stdout.toString()]).toEqual([0, "next\n"]);
}

describe("a fork bomb (security 34)", () => {
  it.each([
    [
      "in Python",
      "bomb.py",
      "import os\nwhile True:\n    try: os.fork()\n    except OSError as error: print(error, flush=True)\n",
    ],
    ["in bash", "bomb.sh", "#!/bin/bash\nbomb() { bomb | bomb & }\nbomb\nwhile :; do sleep 0.1; done\n"],
  ])("%s is held by the limit, ends with its time, and leaves nobody behind", async (_what, path, text) => {
    const mark = randomUUID();
    await door.write(path, text);
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, countMarked(mark));
    }, 200);

    const { stdout, stderr, ms } = await door.say(["run", "--timeout", "3s", "--env", `MARK=${mark}`, path]);
    clearInterval(watch);

    expect(stdout.toString() + stderr).toContain("Resource temporarily unavailable");
    expect(stderr).toMatch(/stopped: its time was up/);
    expect(ms).toBeLessThan(STOPPED_WITHIN_MS + 9000);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThan(600);
    expect(countMarked(mark)).toBe(0);
    await expectNextRunToWork();
  });
});

describe("a memory bomb (security 35)", () => {
  it("is told as one, and hurts nobody else", async () => {
    await door.write("bomb.py", "x = []\nwhile True: x.append(b'x' * 10_000_000)\n");

    const { code, stderr } = await door.say(["run", "--memory", "128", "bomb.py"]);

    expect(code === 137 || code === 1).toBe(true);
    expect(stderr).toMatch(/out of memory: the limit is 128 MiB.*--memory|MemoryError/);
    await expectNextRunToWork();
  });
});

describe("a full disk in the sandbox (security 36)", () => {
  const WRITE_MANY = "i=0; while :; do head -c 1000000 /dev/zero > f$i || exit 9; i=$((i+1)); done";

  it.each([
    ["one file", "exec head -c 400000000 /dev/zero > big"],
    ["many files", WRITE_MANY],
    ["many files elsewhere", `cd /tmp; ${WRITE_MANY}`],
  ])("by %s ends the run with what to do, and once there is room the next run works", async (what, line) => {
    const before = readFreeMiB();

    const run = await door.runLimited(line, { diskMiB: 32 }, { timeoutMs: 20_000 });

    const told = [run.exit?.kind === "lost" ? run.exit.reason : "", ...(run.notes ?? [])].join("\n");
    expect(told).toMatch(/limit of 32 MiB\. Write less, or raise the limit \(setting sandpiper\.diskMiB\)/);
    expect(run.stopReason).toBeUndefined();
    // Nothing holds it back but a look every half second.
    expect(before - readFreeMiB()).toBeLessThan(4000);
    const next = await door.runLimited(`rm -rf * /tmp/*; echo room > 'after ${what}'`, { diskMiB: 32 });
    expect([next.exit, next.error]).toEqual([{ kind: "exited", code: 0 }, undefined]);
    expect((await door.changes()).filter((change) => change.startsWith("A"))).toEqual([`A after ${what}`]);
  });
});

describe.concurrent("a command that will not end (security 37)", () => {
  const STUBBORN = "trap '' INT TERM HUP; echo up; while :; do sleep 0.1; done";

  it("is dead within 6 s of Ctrl+C", async () => {
    const mark = randomUUID();
    let stoppedAt = 0;

    const { code } = await door.say(["run", "--", "sh", "-c", `: ${mark}; ${STUBBORN}`], {
      onOutput: (child) => {
        stoppedAt = performance.now();
        child.kill("SIGINT");
      },
    });

    expect(performance.now() - stoppedAt).toBeLessThan(STOPPED_WITHIN_MS);
    expect([code, countMarked(mark)]).toEqual([137, 0]);
  });

  it("is dead within 6 s of its time", async () => {
    const mark = randomUUID();

    const { code, stderr, ms } = await door.run(`: ${mark}; ${STUBBORN}`, "--timeout", "300ms");

    expect(ms).toBeLessThan(STOPPED_WITHIN_MS + 1500);
    expect(stderr).toMatch(/stopped: its time was up/);
    expect([code, countMarked(mark)]).toEqual([137, 0]);
  });
});

describe("what a command leaves running (security 38, 39)", () => {
  it.each([
    ["in the background", "sleep 300 $MARK & echo done"],
    ["by nohup", "nohup sleep 300 $MARK >/dev/null 2>&1 & echo done"],
    [
      "by a double fork in a session of its own",
      "(setsid sh -c '(setsid sleep 300 $MARK >/dev/null 2>&1 &)' &); echo done",
    ],
    ["holding its streams open", "(setsid sleep 300 $MARK &); echo done"],
  ])("%s is dead when the run has ended", async (_how, line) => {
    const mark = randomUUID();

    const { code, stdout, ms } = await door.run(line, "--env", `MARK=${mark}`);

    expect([code, stdout.toString()]).toEqual([0, "done\n"]);
    expect(ms).toBeLessThan(10_000);
    expect(countMarked(mark)).toBe(0);
  });

  it("after killing everything it could see ends, and the next run works", async () => {
    const { code } = await door.run("trap '' TERM; kill -9 -1; echo still here");

    expect(code).not.toBe(0);
    await expectNextRunToWork();
  });
});
