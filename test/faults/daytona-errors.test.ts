import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type DaytonaEmulator, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import type { Fault } from "../emulators/daytona/faults.ts";
import { CloudDoor } from "./cloud-door.ts";
import { Door } from "./door.ts";

/** More than anybody tries. */
const ALWAYS = 1000;
/** The first call and our two repetitions. */
const ALL_ATTEMPTS = 3;
const CREATE = "POST /api/sandbox";
const apiKey = `dtn_${randomBytes(32).toString("hex")}`;

type ErrorFault = Extract<Fault, { kind: "error" }>;

let emulator: DaytonaEmulator;
let user: CloudDoor;

beforeAll(async () => {
  emulator = await startDaytonaEmulator({ keys: [apiKey], gpus: { H100: 0, H200: 8 } });
  user = new CloudDoor(await Door.open(), {
    providerId: "daytona",
    env: { DAYTONA_API_URL: emulator.url, DAYTONA_API_KEY: apiKey },
    keys: [apiKey],
  });
});
afterEach(async () => {
  emulator.faults.clear();
  await user.destroyAll();
  // Daytona answers a deletion before it is done.
  await expect.poll(() => emulator.books.leaked(), { timeout: 10_000 }).toEqual([]);
  expect(await user.findKeys()).toEqual([]);
});
afterAll(async () => {
  await user.door.close();
  await emulator.close();
});

/** Makes calls for a sandbox go wrong, all of them unless the rest says otherwise. */
function refuse(status: number, rest: Partial<ErrorFault> = {}): void {
  emulator.faults.inject({ kind: "error", method: CREATE, times: ALWAYS, ...rest, status });
}

const countCalls = (method: string): number => emulator.books.calls[method] ?? 0;

describe("an account at Daytona that can't be used", () => {
  it("is asked for when nobody has signed in, before anything is sent", async () => {
    const before = emulator.books.calls;

    const failure = await user.fail([], { DAYTONA_API_KEY: "" });

    expect(failure).toMatchObject({ exitCode: 125, code: "auth" });
    expect(failure.message).toMatch(/Sign In….*DAYTONA_API_KEY/);
    expect(emulator.books.calls).toEqual(before);
  });

  it("is told as such when Daytona does not know the key, at once; signing in with another mends it", async () => {
    const wrong = `dtn_${"0123456789".repeat(4)}`;
    const before = countCalls(CREATE);

    const failure = await user.fail([], { DAYTONA_API_KEY: wrong });

    expect(failure).toMatchObject({ exitCode: 125, code: "auth" });
    expect(failure.message).toMatch(/does not accept the API key.*Sign In…/);
    expect(countCalls(CREATE) - before).toBeLessThanOrEqual(1);
    expect(await user.findKeys([wrong])).toEqual([]);
    expect(await user.run("echo ran")).toMatchObject({ code: 0, stdout: Buffer.from("ran\n") });
  });

  it("shows its key nowhere although Daytona repeats it", async () => {
    refuse(403, { message: `The key ${apiKey} may not create sandboxes` });

    const failure = await user.fail();

    expect(failure).toMatchObject({ code: "auth" });
    expect(failure.message).toMatch(/The key … may not create sandboxes/);
  });

  it("is never sent where others could read it", async () => {
    // An engine has the variables that it was started with.
    const door = await Door.open();
    const env = { DAYTONA_API_URL: "http://example.com/api", DAYTONA_API_KEY: apiKey };
    const careless = new CloudDoor(door, { providerId: "daytona", env, keys: [apiKey] });

    const failure = await careless.fail();

    expect(failure).toMatchObject({ exitCode: 125, code: "invalid" });
    expect(failure.message).toMatch(/DAYTONA_API_URL.*begin with https/);
    await door.close();
  });
});

describe("a sandbox that Daytona does not give", () => {
  it.each([
    { status: 400, code: "invalid", message: /Correct the target's options/, attempts: 1 },
    { status: 402, code: "quota", message: /add credits/, attempts: 1 },
    { status: 403, code: "auth", message: /Sign in with one that has the permissions/, attempts: 1 },
    { status: 404, code: "not-found", message: /Check the target's options/, attempts: 1 },
    { status: 409, code: "conflict", message: /Try again/, attempts: 1 },
    { status: 422, code: "invalid", message: /Correct the target's options/, attempts: 1 },
    { status: 429, code: "quota", message: /Wait a minute/, attempts: ALL_ATTEMPTS },
    { status: 500, code: "unavailable", message: /Try again/, attempts: ALL_ATTEMPTS },
    { status: 502, code: "unavailable", message: /Try again/, attempts: ALL_ATTEMPTS },
    { status: 503, code: "unavailable", message: /Try again/, attempts: ALL_ATTEMPTS },
    { status: 504, code: "unavailable", message: /did not answer in time/, attempts: ALL_ATTEMPTS },
  ] as const)("with $status is told as $code after $attempts attempts", async ({ status, code, message, attempts }) => {
    const before = countCalls(CREATE);
    refuse(status);

    const failure = await user.fail();

    expect(failure).toMatchObject({ exitCode: 125, code });
    expect(failure.message).toMatch(message);
    expect(countCalls(CREATE) - before).toBe(attempts);
    expect(failure.ms).toBeLessThan(15_000);
  });

  it("at the first attempts is had by a later one", async () => {
    refuse(503, { times: 2 });

    expect(await user.run("echo ran")).toMatchObject({ code: 0, stdout: Buffer.from("ran\n") });
  });

  it("is not waited for when Daytona asks for more patience than there is", async () => {
    const before = countCalls(CREATE);
    refuse(429, { retryAfterSecs: 3600 });

    const failure = await user.fail();

    expect(failure).toMatchObject({ code: "quota" });
    expect(countCalls(CREATE) - before).toBe(1);
    expect(failure.ms).toBeLessThan(15_000);
  });

  it("because there is no such GPU now falls back on the next", async () => {
    const failure = await user.fail(["--gpu", "H100"]);

    expect(failure).toMatchObject({ exitCode: 125, code: "capacity" });
    expect(failure.message).toMatch(/no free H100.*Take another GPU/);
    expect(await user.run("echo ran", ["--gpu", "H100,H200"])).toMatchObject({ code: 0 });
  });

  it("because there is no such snapshot is told with a way out", async () => {
    const failure = await user.fail(["--image", "snapshot:never-made"]);

    expect(failure).toMatchObject({ exitCode: 125, code: "not-found" });
    expect(failure.message).toMatch(/no such snapshot.*Choose another image/);
  });

  it("because its image can't be built is told with Daytona's reason", async () => {
    emulator.faults.inject({ kind: "fail-build", method: CREATE, reason: "manifest unknown" });

    const failure = await user.fail(["--image", "python:0.0"]);

    expect(failure).toMatchObject({ exitCode: 125, code: "invalid" });
    expect(failure.message).toMatch(/could not be built.*manifest unknown/);
  });

  it("because it can't be reached is told within seconds", async () => {
    emulator.refuseConnections();
    try {
      const failure = await user.fail();

      expect(failure).toMatchObject({ exitCode: 125, code: "unavailable" });
      expect(failure.message).toMatch(/can't be reached. Check the network/);
      expect(failure.ms).toBeLessThan(30_000);
    } finally {
      await emulator.acceptConnections();
    }
  });

  it("because its answer was lost does not live on", async () => {
    emulator.faults.inject({ kind: "lose-answer", method: CREATE });

    expect(await user.fail()).toMatchObject({ exitCode: 125, code: "unavailable" });
  });
});

describe("a run at Daytona whose connection fails", () => {
  it("loses no byte of its output when the log is cut", async () => {
    const method = "WS /toolbox/process/session/:session/command/:command/logs";
    emulator.faults.inject({ kind: "cut-stream", method, afterBytes: 20_000, times: 2 });

    const { code, stdout } = await user.run("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i + 1)); done");

    expect(code).toBe(0);
    expect(stdout.toString()).toBe(Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join(""));
  });
});
