import { afterEach, describe, expect, it } from "vitest";
import { ModalDoor } from "./modal-door.ts";

/** Above what is not worth keeping at a provider. */
const LARGE = "x".repeat(1024 * 1024);
const ALWAYS = 1000;

let user: ModalDoor;

afterEach(() => user.close());

/** What must hold whatever happened. */
async function expectNoTraces(): Promise<void> {
  await user.destroyAll();
  expect(user.emulator.books.leaked()).toEqual([]);
  expect(await user.findKeys()).toEqual([]);
}

function readLastSandbox() {
  const sandbox = user.emulator.books.sandboxes.at(-1);
  if (!sandbox) throw new Error("Modal has made no sandbox.");
  return sandbox;
}

describe("a workspace that Modal keeps", () => {
  it("is sent whole once Modal has forgotten it, and the run goes on", async () => {
    user = await ModalDoor.open();
    await user.door.write("large.txt", LARGE);
    await user.run("true");
    await user.destroyAll();
    expect(user.emulator.books.images.saved.length).toBeGreaterThan(0);
    user.emulator.faults.inject({ kind: "error", method: "ImageFromId", times: ALWAYS, code: "NOT_FOUND" });

    const { code, stdout } = await user.run("wc -c <large.txt");

    expect([code, stdout.toString()]).toEqual([0, `${LARGE.length}\n`]);
    expect(readLastSandbox().stdinBytes).toBeGreaterThan(LARGE.length);
    await expectNoTraces();
  });

  it("is not sent again while Modal has it", async () => {
    user = await ModalDoor.open();
    await user.door.write("large.txt", LARGE);
    await user.run("true");
    await user.destroyAll();

    const { code, stdout } = await user.run("wc -c <large.txt");

    expect([code, stdout.toString()]).toEqual([0, `${LARGE.length}\n`]);
    expect(readLastSandbox().stdinBytes).toBeLessThan(LARGE.length / 10);
    await expectNoTraces();
  });

  it("and can't be kept costs its run nothing", async () => {
    user = await ModalDoor.open();
    await user.door.write("large.txt", LARGE);
    user.emulator.faults.inject({ kind: "error", method: "TaskSnapshotDirectory", times: ALWAYS, code: "INTERNAL" });

    const { code, stderr } = await user.run("true");

    expect([code, stderr]).toEqual([0, ""]);
    await expectNoTraces();
    expect(user.emulator.books.images.saved).toEqual([]);
  });
});

describe("a GPU", () => {
  it("that is not free is told as such, and no sandbox waits for it", async () => {
    user = await ModalDoor.open({ gpus: { H100: 0 }, gpuWaitMs: 500 });

    const failure = await user.fail(["--gpu", "H100"]);

    expect(failure).toMatchObject({ exitCode: 125, code: "capacity" });
    expect(failure.message).toMatch(/no free H100 now. Take another GPU, name more of them to fall back on/);
    expect(user.emulator.books.leaked()).toEqual([]);
    await expectNoTraces();
  });

  it("that is not free is replaced by the next on the list, and the run says so", async () => {
    user = await ModalDoor.open({ gpus: { H100: 0, L40S: 0 }, gpuWaitMs: 500 });

    const { code, stdout, stderr } = await user.run("echo ran", ["--gpu", "H100,L40S,L4"]);

    expect([code, stdout.toString()]).toEqual([0, "ran\n"]);
    expect(stderr).toMatch(/No H100.*free.*L4/);
    expect(readLastSandbox()).toMatchObject({ gpu: "L4:1", isAlive: true });
    expect(user.emulator.books.leaked()).toHaveLength(1);
    await expectNoTraces();
  });

  it("that Modal has not is refused, with those that it has", async () => {
    user = await ModalDoor.open();

    const failure = await user.fail(["--gpu", "H900"]);

    expect(failure.exitCode).toBe(125);
    expect(failure.message).toMatch(/no GPU "H900".*T4.*H100/);
    expect(user.emulator.books.sandboxes).toEqual([]);
    await expectNoTraces();
  });
});

describe("a budget", () => {
  it("that a run reaches stops it, brings back what it made, and ends its sandbox", async () => {
    user = await ModalDoor.open();

    const line = "echo made >made.txt; echo up; exec sleep 60";
    const { code, stdout, stderr, ms } = await user.run(line, ["--gpu", "H100", "--budget", "0.004"]);

    expect([code, stdout.toString()]).toEqual([130, "up\n"]);
    expect(stderr).toMatch(/budget of \$0\.00\d* was reached/);
    expect(ms).toBeLessThan(30_000);
    expect(await user.door.changes()).toEqual(["A made.txt"]);
    expect((await user.say(["snapshots", "show", "last"])).stdout.toString()).toContain("made.txt");
    await expect.poll(() => user.emulator.books.leaked(), { timeout: 20_000 }).toEqual([]);
    await expectNoTraces();
  });

  it("of the day that leaves less than a minute starts nothing, and says how to go on", async () => {
    user = await ModalDoor.open();
    await user.say(["budget", "--per-day", "0.01"]);

    const failure = await user.fail(["--gpu", "H100"]);

    expect(failure).toMatchObject({ exitCode: 125, code: "blocked" });
    expect(failure.message).toMatch(/Today's budget of \$0\.01.*sandpiper\.budget\.perDayUsd/);
    expect(user.emulator.books.sandboxes).toEqual([]);
    await expectNoTraces();
  });
});
