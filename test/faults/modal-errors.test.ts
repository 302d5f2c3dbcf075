import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "../emulators/modal/faults.ts";
import { ModalDoor } from "./modal-door.ts";

/** More than anybody tries. */
const ALWAYS = 1000;
/** The first call and the SDK's three repetitions. */
const ALL_ATTEMPTS = 4;
const CREATE = "SandboxCreateV2";

type ErrorFault = Extract<Fault, { kind: "error" }>;

let user: ModalDoor;

/** Makes calls for a sandbox go wrong, all of them unless the rest says otherwise. */
function refuse(code: ErrorFault["code"], rest: Partial<ErrorFault> = {}): void {
  user.emulator.faults.inject({ kind: "error", method: CREATE, times: ALWAYS, ...rest, code });
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
    user = await ModalDoor.open();
  });
  afterEach(() => user.close());

  it("is asked for when nobody has signed in, before anything is sent", async () => {
    const failure = await user.fail([], { env: { MODAL_TOKEN_ID: "", MODAL_TOKEN_SECRET: "" } });

    expect(failure).toMatchObject({ exitCode: 125, code: "auth" });
    expect(failure.message).toMatch(/Sign In…/);
    expect(failure.message).toMatch(/MODAL_TOKEN_ID and MODAL_TOKEN_SECRET/);
    expect(user.emulator.books.calls).toEqual({});
    await expectNoTraces();
  });

  it("is told as such when Modal does not know the token, at once", async () => {
    const wrong = `as-${"0123456789abcdef".repeat(2)}`;

    const failure = await user.fail([], { env: { MODAL_TOKEN_SECRET: wrong } });

    expect(failure).toMatchObject({ exitCode: 125, code: "auth" });
    expect(failure.message).toMatch(/does not accept the token.*Sign In…/);
    expect(countCalls("AuthTokenGet")).toBeLessThanOrEqual(2);
    expect(await user.findKeys([wrong])).toEqual([]);
  });

  it("can be mended by signing in with another token, without a new engine", async () => {
    await user.fail([], { env: { MODAL_TOKEN_SECRET: "as-wrong" } });

    const { code, stdout } = await user.run("echo ran");

    expect([code, stdout.toString()]).toEqual([0, "ran\n"]);
    expect(await user.door.enginePids()).toHaveLength(1);
    await expectNoTraces();
  });

  it("shows its key nowhere although Modal repeats it", async () => {
    const { tokenId, tokenSecret } = user.token;
    refuse("PERMISSION_DENIED", { details: `Token ${tokenId} with ${tokenSecret} may not create sandboxes` });

    const failure = await user.fail();

    expect(failure).toMatchObject({ code: "auth" });
    expect(failure.message).toMatch(/may not create sandboxes/);
    await expectNoTraces();
  });
});

describe("a sandbox that Modal does not give", () => {
  beforeAll(async () => {
    user = await ModalDoor.open();
    // Signs in and builds the image.
    await user.run("true");
    await user.destroyAll();
  });
  afterEach(async () => {
    user.emulator.faults.clear();
    await expectNoTraces();
  });
  afterAll(() => user.close());

  it.each([
    { status: "PERMISSION_DENIED", code: "auth", message: /Sign in with one of the right workspace/, attempts: 1 },
    { status: "FAILED_PRECONDITION", code: "invalid", message: /https:\/\/modal\.com\/settings/, attempts: 1 },
    { status: "INVALID_ARGUMENT", code: "invalid", message: /Correct the target's options/, attempts: 1 },
    { status: "RESOURCE_EXHAUSTED", code: "quota", message: /Wait, destroy sandboxes, or raise/, attempts: 1 },
    { status: "UNIMPLEMENTED", code: "unsupported", message: /does not offer that/, attempts: 1 },
    { status: "UNAVAILABLE", code: "unavailable", message: /Check the network.*Try again/, attempts: ALL_ATTEMPTS },
    { status: "INTERNAL", code: "unavailable", message: /Try again/, attempts: ALL_ATTEMPTS },
    { status: "UNKNOWN", code: "unavailable", message: /Try again/, attempts: ALL_ATTEMPTS },
    { status: "CANCELLED", code: "unavailable", message: /Try again/, attempts: ALL_ATTEMPTS },
    { status: "DEADLINE_EXCEEDED", code: "unavailable", message: /Try again/, attempts: ALL_ATTEMPTS },
  ] as const)("with $status is told as $code after $attempts attempts", async ({ status, code, message, attempts }) => {
    const before = countCalls(CREATE);
    refuse(status);

    const failure = await user.fail();

    expect(failure).toMatchObject({ exitCode: 125, code });
    expect(failure.message).toMatch(message);
    expect(countCalls(CREATE) - before).toBe(attempts);
    expect(failure.ms).toBeLessThan(15_000);
  });

  it.each(["UNAVAILABLE", "CANCELLED"] as const)(
    "at the first attempts, with %s, is had by a later one",
    async (status) => {
      refuse(status, { times: 2 });

      expect(await user.run("echo ran")).toMatchObject({ code: 0, stdout: Buffer.from("ran\n") });
    },
  );

  it("for now is waited for as long as Modal asks", async () => {
    const before = countCalls(CREATE);
    refuse("RESOURCE_EXHAUSTED", { retryAfterSecs: 0.5, times: 2 });

    expect(await user.run("echo ran")).toMatchObject({ code: 0 });
    expect(countCalls(CREATE) - before).toBe(3);
  });

  it("is not waited for when Modal asks for more patience than there is", async () => {
    refuse("RESOURCE_EXHAUSTED", { retryAfterSecs: 3600, details: "Rate limit of the API exceeded" });

    const failure = await user.fail();

    expect(failure).toMatchObject({ code: "quota" });
    expect(failure.message).toMatch(/Wait a minute and try again/);
    expect(failure.ms).toBeLessThan(15_000);
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

  it("because its image is gone is told with a way out", async () => {
    const failure = await user.fail(["--image", "im-0123456789abcdefghijAB"]);

    expect(failure).toMatchObject({ exitCode: 125, code: "not-found" });
    expect(failure.message).toMatch(/has expired, was deleted, .*Choose another/);
  });

  it("because its image can't be built is told with Modal's reason", async () => {
    user.emulator.faults.inject({ kind: "fail-build", method: "ImageGetOrCreate", exception: "no such tag: 0.0" });

    const failure = await user.fail(["--image", "python:0.0"]);

    expect(failure).toMatchObject({ exitCode: 125, code: "invalid" });
    expect(failure.message).toMatch(/could not be built.*no such tag/);
  });

  it("because its app can't be found is told as such", async () => {
    user.emulator.faults.inject({ kind: "error", method: "AppGetOrCreate", times: ALWAYS, code: "NOT_FOUND" });

    const failure = await user.fail(["--option", "app=elsewhere"]);

    expect(failure).toMatchObject({ exitCode: 125, code: "not-found" });
    expect(failure.message).toMatch(/Check the target's options/);
  });
});

describe("a sandbox whose answer is lost", () => {
  beforeEach(async () => {
    user = await ModalDoor.open();
  });
  afterEach(() => user.close());

  it("is taken over when Modal repeats the answer", async () => {
    user.emulator.faults.inject({ kind: "lose-answer", method: CREATE });

    const { code } = await user.run("true");

    expect(code).toBe(0);
    expect(user.emulator.books.sandboxes).toHaveLength(1);
    await expectNoTraces();
  });

  it.each([
    ["without a GPU", CREATE, []],
    ["with one", "SandboxCreate", ["--gpu", "L4"]],
  ])("for good, %s, does not live on", async (_, method, options) => {
    user.emulator.faults.inject({ kind: "lose-answer", method, times: ALWAYS });

    const failure = await user.fail(options);

    expect(failure).toMatchObject({ exitCode: 125, code: "unavailable" });
    expect(user.emulator.books.sandboxes.length).toBeGreaterThan(0);
    expect(user.emulator.books.leaked()).toEqual([]);
    await expectNoTraces();
  });
});

describe("a run whose sandbox or connection fails", () => {
  beforeEach(async () => {
    user = await ModalDoor.open();
  });
  afterEach(() => user.close());

  it("loses no byte of its output when the stream is cut", async () => {
    user.emulator.faults.inject({ kind: "cut-stream", method: "TaskExecStdioRead", afterBytes: 40_000, times: 3 });

    const { code, stdout } = await user.run("seq 1 30000");

    expect(code).toBe(0);
    expect(stdout.toString()).toBe(`${Array.from({ length: 30_000 }, (_, index) => index + 1).join("\n")}\n`);
    await expectNoTraces();
  });

  it("is lost, and says so, when the sandbox's time is up in mid-run", async () => {
    const expire = (): void => {
      for (const id of user.emulator.books.leaked()) void user.emulator.expire(id);
    };

    const { code, stdout, stderr } = await user.run("echo up; exec sleep 60", [], { onOutput: expire });

    expect([code, stdout.toString()]).toEqual([125, "up\n"]);
    expect(stderr).toMatch(/end of its lifetime/);
    await expectNoTraces();
  });

  it("says what to do when the command can't be started, and leaves a session that can be destroyed", async () => {
    await user.run("true");
    user.emulator.faults.inject({ kind: "error", method: "TaskExecStart", times: ALWAYS, code: "UNAVAILABLE" });

    const failure = await user.fail();
    user.emulator.faults.clear();

    expect(failure).toMatchObject({ exitCode: 125, code: "unavailable" });
    expect(failure.message).toMatch(/Try again/);
    expect(failure.ms).toBeLessThan(60_000);
    await expectNoTraces();
  });
});
