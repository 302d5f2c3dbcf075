import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { docker, useTestDaemon } from "../rig/docker/harness.ts";
import { TEST_SOCKET } from "../rig/docker/daemon.ts";
import { TEST_IMAGE } from "../rig/docker/test-image.ts";
import { Door, type Said } from "./door.ts";

const OPTIONS: readonly string[] = ["--provider", "docker", "--option", `host=unix://${TEST_SOCKET}`];
const RUN: readonly string[] = ["run", ...OPTIONS, "--image", TEST_IMAGE];
const TARGET = { providerId: "docker", options: { host: `unix://${TEST_SOCKET}` }, image: TEST_IMAGE } as const;

useTestDaemon();

let door: Door;

beforeAll(async () => {
  door = await Door.open();
});

afterAll(async () => {
  for (const { id } of await (await door.connect()).listSessions()) await door.say(["destroy", id]);
  await door.close();
});

function runInDocker(line: string, ...options: readonly string[]): Promise<Said> {
  return door.say([...RUN, ...options, "--", "sh", "-c", line]);
}

/** The container that the last run was in. */
async function findContainer(): Promise<string> {
  const { sessionId } = await door.lastRun();
  const sessions = await (await door.connect()).listSessions();
  return sessions.find(({ id }) => id === sessionId)?.sandboxId ?? "";
}

async function expectNextRunToWork(): Promise<void> {
  const { code, stdout } = await runInDocker("echo next");
  expect([code, stdout.toString()]).toEqual([0, "next\n"]);
}

describe("an image", () => {
  it.each([
    ["that is nowhere", "127.0.0.1:1/box", /can't reach the registry/],
    ["with a name that is none", "UPPER/box", /UPPER\/box/],
  ])("%s is told of, and the run is on record", async (_what, image, message) => {
    const { code, stdout, stderr } = await door.run("echo ran", ...OPTIONS, "--image", image);

    expect([code, stdout.length]).toEqual([125, 0]);
    expect(stderr).toMatch(message);
    expect((await door.lastRun()).error?.message).toMatch(message);
  });

  it("without an interpreter ends with 127 and says which image to choose", async () => {
    const { code, stderr } = await door.say([...RUN, "--", "no-such-thing"]);

    expect(code).toBe(127);
    expect(stderr).toMatch(/is no-such-thing there\? Choose an image that has no-such-thing .*--image/);
  });
});

describe("what a container is asked to bear", () => {
  it("of processes is held by the limit, ends with its time, and leaves room for the next run (security 34)", async () => {
    await door.write("bomb.sh", "bomb() { bomb | bomb & }\nbomb 2>/dev/null\nwhile :; do sleep 0.1; done\n");

    const { stderr, ms } = await door.say([...RUN, "--timeout", "1s", "bomb.sh"]);

    expect(stderr).toMatch(/stopped: its time was up/);
    expect(ms).toBeLessThan(20_000);
    await expectNextRunToWork();
  });

  it("of memory is told as too much (security 35)", async () => {
    const { code, stderr } = await runInDocker(
      `exec perl -e 'my $x = "x" x 1000000; push @y, $x . $_ for 1..100000'`,
      "--memory",
      "128",
    );

    expect(code === 137 || code === 125).toBe(true);
    expect(stderr).toMatch(/out of memory.*128 MiB/);
    await expectNextRunToWork();
  });

  it("of stubbornness ends within 6 s of its time (security 37)", async () => {
    await expectNextRunToWork();
    const { code, ms } = await runInDocker("trap '' INT TERM; while :; do sleep 0.1; done", "--timeout", "300ms");

    expect([code, ms < 8000]).toEqual([137, true]);
    await expectNextRunToWork();
  });

  it("of disk is told as too much (security 36)", async () => {
    const run = await door.runLimited(
      "head -c 400000000 /dev/zero > big",
      { ...TARGET, diskMiB: 32 },
      { timeoutMs: 20_000 },
    );

    const told = [run.exit?.kind === "lost" ? run.exit.reason : "", run.error?.message, ...(run.notes ?? [])].join(
      "\n",
    );
    expect(run.exit).not.toEqual({ kind: "exited", code: 0 });
    expect(told).toMatch(/32 MiB|disk is full/);
  });
});

describe("a container that is taken away", () => {
  it("in mid-run costs that run, says so, and the next one works", async () => {
    await expectNextRunToWork();
    const container = await findContainer();

    const { code, stderr } = await door.say([...RUN, "--", "sh", "-c", "echo up; sleep 60"], {
      onOutput: () => void docker("rm", "--force", container),
    });

    expect(code).toBe(125);
    expect(stderr).toMatch(/removed|destroyed|gone|ended/);
    await expectNextRunToWork();
  });

  it("between two runs costs a note", async () => {
    await expectNextRunToWork();
    docker("rm", "--force", await findContainer());

    const { code, stderr } = await runInDocker("echo next");

    expect([code, stderr]).toEqual([0, "sandpiper: The session's sandbox was gone, so a new one was started.\n"]);
  });
});
