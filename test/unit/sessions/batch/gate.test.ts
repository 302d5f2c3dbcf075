import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import type { Call } from "../../../../src/core/call.ts";
import { silentLogger } from "../../../../src/core/logger.ts";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { Gate } from "../../../../src/sessions/batch/gate.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";

const call: Call = { signal: new AbortController().signal, logger: silentLogger };

/** A provider that refuses while it is full, and a gate before it. */
function setUp(countRoom = (): number => Infinity): {
  readonly gate: Gate;
  readonly clock: FakeClock;
  readonly asked: number[];
  full: boolean;
  readonly create: () => Promise<string>;
} {
  const clock = new FakeClock();
  const here = {
    gate: new Gate({ clock, countRoom, logger: silentLogger }),
    clock,
    asked: [] as number[],
    full: false,
    create: async () => {
      here.asked.push(clock.now());
      if (here.full) throw new SandboxError("quota", "Full.");
      return "made";
    },
  };
  return here;
}

/** Lets everything that is due happen. */
async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await setImmediate();
}

it("asks a full provider again, each time after twice as long, a minute at most", async () => {
  const here = setUp();
  here.full = true;
  const startedAt = here.clock.now();

  const admitted = here.gate.admit("a", here.create, call);
  for (let second = 0; second < 200; second++) {
    await settle();
    here.clock.advance(1000);
  }
  here.full = false;
  here.clock.advance(60_000);

  expect(await admitted).toBe("made");
  const seconds = here.asked.map((at) => (at - startedAt) / 1000);
  expect(seconds.slice(0, 9)).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
});

it("sends one to ask a full provider, however many wait", async () => {
  const here = setUp();
  here.full = true;
  const all = Array.from({ length: 40 }, (_, index) => here.gate.admit(`${index}`, here.create, call));
  await settle();
  const before = here.asked.length;

  here.clock.advance(1000);
  await settle();
  expect(here.asked.length - before).toBe(1);

  here.full = false;
  here.clock.advance(2000);
  expect(await Promise.all(all)).toHaveLength(40);
});

it("gives up when the provider has been full for long and none of its own is there", async () => {
  const here = setUp();
  here.full = true;

  const admitted = here.gate.admit("a", here.create, call);
  const refused = expect(admitted).rejects.toMatchObject({ code: "quota", message: "Full." });
  for (let minute = 0; minute < 20; minute++) {
    await settle();
    here.clock.advance(60_000);
  }

  await refused;
});

it("waits for as long as one of its own may make room, and asks at once when it has", async () => {
  const here = setUp();
  await here.gate.admit("a", here.create, call);
  here.full = true;
  const admitted = here.gate.admit("b", here.create, call);
  for (let minute = 0; minute < 60; minute++) {
    await settle();
    here.clock.advance(60_000);
  }
  await settle();

  here.full = false;
  here.gate.leave("a");

  expect(await admitted).toBe("made");
});

it("lets no more through than there is room for", async () => {
  const here = setUp(() => 2);
  await Promise.all(["a", "b"].map((key) => here.gate.admit(key, here.create, call)));
  const third = here.gate.admit("c", here.create, call);
  await settle();
  expect(here.asked).toHaveLength(2);

  here.gate.leave("a");

  expect(await third).toBe("made");
});

it("does not ask again after other errors", async () => {
  const here = setUp();

  const admitted = here.gate.admit("a", () => Promise.reject(new SandboxError("auth", "Sign in.")), call);

  await expect(admitted).rejects.toMatchObject({ code: "auth" });
});

it("lets go of whoever is stopped while waiting", async () => {
  const here = setUp();
  here.full = true;
  const stop = new AbortController();
  const first = here.gate.admit("a", here.create, { ...call, signal: stop.signal });
  const second = here.gate.admit("b", here.create, call);
  await settle();

  stop.abort(new Error("stopped"));
  here.full = false;
  here.clock.advance(60_000);

  await expect(first).rejects.toThrow("stopped");
  expect(await second).toBe("made");
});
