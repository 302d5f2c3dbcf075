import { describe, expect, it } from "vitest";
import type { ExitStatus, Process } from "../../../src/core/sandbox.ts";
import { createDeferred } from "../../../src/sessions/deferred.ts";
import { createStopper } from "../../../src/sessions/stop.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";

async function* nothing(): AsyncIterable<Uint8Array> {
  // Nothing is said.
}

function createProcess(): { process: Process; signals: string[]; end: (exit: ExitStatus) => void } {
  const signals: string[] = [];
  const { promise: exit, resolve: end } = createDeferred<ExitStatus>();
  const process: Process = {
    stdout: nothing(),
    stderr: nothing(),
    write: async () => undefined,
    closeStdin: async () => undefined,
    signal: async (name) => void signals.push(name),
    resize: async () => undefined,
    exit,
  };
  return { process, signals, end };
}

describe("stopping", () => {
  it("asks with INT, then TERM, then KILL, two seconds apart", () => {
    const clock = new FakeClock();
    const { process, signals } = createProcess();

    createStopper(process, clock, () => signals.push("failed")).stop(false);
    expect(signals).toEqual(["INT"]);
    clock.advance(1999);
    expect(signals).toEqual(["INT"]);
    clock.advance(1);
    expect(signals).toEqual(["INT", "TERM"]);
    clock.advance(2000);
    expect(signals).toEqual(["INT", "TERM", "KILL"]);
    clock.advance(2000);
    expect(signals).toEqual(["INT", "TERM", "KILL", "failed"]);
  });

  it("goes no further once the command has ended", async () => {
    const clock = new FakeClock();
    const { process, signals, end } = createProcess();

    createStopper(process, clock, () => signals.push("failed")).stop(false);
    end({ kind: "signaled", signal: "SIGINT" });
    await process.exit;
    await Promise.resolve();
    clock.advance(60_000);

    expect(signals).toEqual(["INT"]);
  });

  it("goes one step further at once when asked again, and straight to KILL by force", () => {
    const clock = new FakeClock();
    const first = createProcess();
    const second = createProcess();

    const stopper = createStopper(first.process, clock, () => undefined);
    stopper.stop(false);
    stopper.stop(false);
    createStopper(second.process, clock, () => undefined).stop(true);

    expect(first.signals).toEqual(["INT", "TERM"]);
    expect(second.signals).toEqual(["KILL"]);
  });
});
