import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "../emulators/e2b/faults.ts";
import { E2bDoor } from "./e2b-door.ts";

/** More than anybody tries. */
const ALWAYS = 1000;
/** The first call and our two repetitions. */
const ALL_ATTEMPTS = 3;
const CREATE = "CreateSandbox";

type ErrorFault = Extract<Fault, { kind: "error" }>;

let user: E2bDoor;

/** Makes calls for a sandbox go wrong, all of them unless the rest says otherwise. */
function refuse(status: number, rest: Partial<ErrorFault> = {}): void {
  user.emulator.faults.inject({ kind: "error", method: CREATE, times: ALWAYS, ...rest, status });
}

function countCalls(method: string): number {
  return user.emulator.books.calls[method] ?? 0;
}

/** What must hold whatever happened. */
async function expectNoTraces(): Promise<void> {
  await user.destroyAll();
  expect(user.emulator.books.leaked()).toEqual([]);
  expect(await user.findKeys()).toEqual([]);
}

describe("an account that can't be used", () => {
  beforeEach(async () => {
    user = await E2bDoor.open();
  });
  afterEach(() => user.close());

  it("is asked for when nobody has signed in, before anything is sent", async () => {
    const failure = await user.fail([], { env: { E2B_API_KEY: "" } });

    expect(failure).toMatchObject({ exitCode: 125, code: "auth" });
    expect(failure.message).toMatch(/Sign In….*E2B_API_KEY/);
    expect(user.emulator.books.calls).toEqual({});
    await expectNoTraces();
  });

  it("is told as such when E2B does not know the key, at once; signing in with another mends it", async () => {
    const wrong = `e2b_${"0123456789".repeat(4)}`;

    const failure = await user.fail([], { env: { E2B_API_KEY: wrong } });

    expect(failure).toMatchObject({ exitCode: 125, code: "auth" });
    expect(failure.message).toMatch(/does not accept the key.*Sign In…/);
    expect(countCalls(CREATE)).toBeLessThanOrEqual(1);
    expect(await user.findKeys([wrong])).toEqual([]);
    expect(await user.run("echo ran")).toMatchObject({ code: 0, stdout: Buffer.from("ran\n") });
    expect(await user.door.enginePids()).toHaveLength(1);
    await expectNoTraces();
  });

  it("shows its key nowhere although E2B repeats it", async () => {
    refuse(403, { message: `The key ${user.apiKey} may not create sandboxes` });

    const failure = await user.fail();

    expect(failure).toMatchObject({ code: "auth" });
    expect(failure.message).toMatch(/The key … may not create sandboxes/);
    await expectNoTraces();
  });

  it("is never sent where others could read it", async () => {
    const failure = await user.fail([], { env: { E2B_API_URL: "http://example.com" } });

    expect(failure).toMatchObject({ exitCode: 125, code: "invalid" });
    expect(failure.message).toMatch(/E2B_API_URL.*begin with https/);
    await expectNoTraces();
  });
});

describe("a sandbox that E2B does not give", () => {
  beforeAll(async () => {
    user = await E2bDoor.open();
    // Signs in.
    await user.run("true");
    await user.destroyAll();
  });
  afterEach(async () => {
    user.emulator.faults.clear();
    await expectNoTraces();
  });
  afterAll(() => user.close());

  it.each([
    { status: 400, code: "invalid", message: /Correct the target's options/, attempts: 1 },
    { status: 401, code: "auth", message: /does not accept the key/, attempts: 1 },
    { status: 403, code: "auth", message: /Sign in with one of the right team/, attempts: 1 },
    { status: 404, code: "not-found", message: /Choose another image/, attempts: 1 },
    { status: 429, code: "quota", message: /Wait a minute and try again/, attempts: ALL_ATTEMPTS },
    { status: 500, code: "unavailable", message: /E2B failed. Try again/, attempts: 1 },
    { status: 503, code: "unavailable", message: /Wait a little and try again/, attempts: ALL_ATTEMPTS },
  ] as const)("with $status is told as $code after $attempts attempts", async ({ status, code, message, attempts }) => {
    const before = countCalls(CREATE);
    refuse(status);

    const failure = await user.fail();

    expect(failure).toMatchObject({ exitCode: 125, code });
    expect(failure.message).toMatch(message);
    expect(countCalls(CREATE) - before).toBe(attempts);
    expect(failure.ms).toBeLessThan(15_000);
  });

  it.each([429, 503])("at the first attempts, with %s, is had by a later one", async (status) => {
    refuse(status, { times: 2 });

    expect(await user.run("echo ran")).toMatchObject({ code: 0, stdout: Buffer.from("ran\n") });
  });

  it("for now is waited for as long as E2B asks, and no longer", async () => {
    const before = countCalls(CREATE);
    refuse(429, { retryAfterSecs: 1 });

    const failure = await user.fail();

    expect(failure).toMatchObject({ code: "quota" });
    expect(countCalls(CREATE) - before).toBe(4);
    expect(failure.ms).toBeGreaterThan(3000);
    expect(failure.ms).toBeLessThan(15_000);
  });

  it("because the account runs as many as it may is told with what to do, at once", async () => {
    const before = countCalls(CREATE);
    refuse(429, { message: "you have reached the maximum number of concurrent E2B sandboxes (20)" });

    const failure = await user.fail();

    expect(failure).toMatchObject({ exitCode: 125, code: "quota" });
    expect(failure.message).toMatch(/Destroy or pause some/);
    expect(countCalls(CREATE) - before).toBe(1);
  });

  it("because it would live longer than the plan allows is told as that", async () => {
    refuse(400, { message: "Timeout cannot be greater than 1 hours" });

    const failure = await user.fail();

    expect(failure).toMatchObject({ exitCode: 125, code: "invalid" });
    expect(failure.message).toMatch(/1 hour on Hobby.*Set a shorter one/);
  });

  it("because it can't be reached is told within seconds", async () => {
    user.emulator.refuseConnections();
    try {
      const failure = await user.fail();

      expect(failure).toMatchObject({ exitCode: 125, code: "unavailable" });
      expect(failure.message).toMatch(/can't be reached. Check the network/);
      expect(failure.ms).toBeLessThan(30_000);
    } finally {
      await user.emulator.acceptConnections();
    }
  });

  it("because there is no such template is told with a way out", async () => {
    const failure = await user.fail(["--image", "none-such"]);

    expect(failure).toMatchObject({ exitCode: 125, code: "not-found" });
    expect(failure.message).toMatch(/Choose another image/);
  });
});

describe("a sandbox whose answer is lost", () => {
  beforeEach(async () => {
    user = await E2bDoor.open();
  });
  afterEach(() => user.close());

  it("once is made again, and the first one does not live on", async () => {
    user.emulator.faults.inject({ kind: "lose-answer", method: CREATE });

    const { code } = await user.run("true");

    expect(code).toBe(0);
    expect(user.emulator.books.sandboxes).toHaveLength(2);
    expect(user.emulator.books.leaked()).toHaveLength(1);
    await expectNoTraces();
  });

  it("for good does not live on", async () => {
    user.emulator.faults.inject({ kind: "lose-answer", method: CREATE, times: ALWAYS });

    const failure = await user.fail();

    expect(failure).toMatchObject({ exitCode: 125, code: "unavailable" });
    expect(user.emulator.books.sandboxes).toHaveLength(ALL_ATTEMPTS);
    expect(user.emulator.books.leaked()).toEqual([]);
    await expectNoTraces();
  });
});

describe("a run whose sandbox or connection fails", () => {
  beforeEach(async () => {
    user = await E2bDoor.open();
  });
  afterEach(() => user.close());

  it("is lost, and says so, when the sandbox's time is up in mid-run", async () => {
    const expire = (): void => {
      for (const id of user.emulator.books.leaked()) void user.emulator.expire(id);
    };

    const { code, stdout, stderr } = await user.run("echo up; exec sleep 60", [], { onOutput: expire });

    expect([code, stdout.toString()]).toEqual([125, "up\n"]);
    expect(stderr).toMatch(/sandbox is gone|end of its lifetime/);
    await expectNoTraces();
  });

  it("is lost, and does not go on unheard, when its connection is cut", async () => {
    // From then on a run's first call to the sandbox is its command.
    await user.run("true");
    user.emulator.faults.inject({ kind: "cut-stream", method: "Start", afterBytes: 60_000 });
    const line = "echo begun; sleep 0.5; seq 1 30000; sleep 1; touch /tmp/went-on";

    const { code, stderr } = await user.run(line);
    const later = await user.run("sleep 2; test ! -e /tmp/went-on");

    expect(code).toBe(125);
    expect(stderr).toMatch(/connection to the command was cut/);
    expect(later.code).toBe(0);
    await expectNoTraces();
  });

  it("is told when the sandbox has vanished long before its time, and the next run has another", async () => {
    await user.run("true");
    user.emulator.faults.inject({ kind: "lose-sandbox", method: "Start" });

    await user.run("echo ran");
    const next = await user.run("echo ran");

    expect(next).toMatchObject({ code: 0, stdout: Buffer.from("ran\n") });
    expect(user.emulator.books.sandboxes.length).toBeGreaterThan(1);
    await expectNoTraces();
  });

  it("says what to do when the command can't be started, and leaves a session that can be destroyed", async () => {
    await user.run("true");
    const before = countCalls("Start");
    user.emulator.faults.inject({ kind: "reset", method: "Start", times: ALWAYS });

    const failure = await user.fail();
    user.emulator.faults.clear();

    expect(failure).toMatchObject({ exitCode: 125, code: "unavailable" });
    expect(failure.message).toMatch(/Try again/);
    expect(countCalls("Start") - before).toBeLessThan(12);
    await expectNoTraces();
  });

  it("survives a connection that died while nothing was asked", async () => {
    await user.run("true");
    user.emulator.refuseConnections();
    await user.emulator.acceptConnections();

    expect(await user.run("echo ran")).toMatchObject({ code: 0, stdout: Buffer.from("ran\n") });
    await expectNoTraces();
  });

  it("says that the disk is full when files can't be brought", async () => {
    await user.door.write("file.txt", "to be brought");
    user.emulator.faults.inject({ kind: "error", method: "WriteFile", status: 507, times: ALWAYS });

    const failure = await user.fail();

    expect(failure).toMatchObject({ exitCode: 125, code: "quota" });
    expect(failure.message).toMatch(/disk is full. Remove files/);
    user.emulator.faults.clear();
    await expectNoTraces();
  });
});
