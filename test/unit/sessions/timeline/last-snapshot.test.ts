import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { SnapshotRecord } from "../../../../src/sessions/snapshot-records.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

async function causes(): Promise<string[]> {
  return (await bench.engine.listSnapshots()).map(({ cause }) => cause);
}

/** Resolves with the newest snapshot, once it is of that cause. */
async function newest(cause: string): Promise<SnapshotRecord> {
  await expect.poll(async () => (await causes())[0]).toBe(cause);
  const [record] = await bench.engine.listSnapshots();
  if (!record) throw new Error("There is none.");
  return record;
}

async function paths(snapshotId: string): Promise<string[]> {
  return (await bench.engine.listSnapshotFiles(snapshotId)).map(({ path }) => path);
}

describe("before a sandbox ends", () => {
  it("what it holds is kept when the user destroys it in the middle of a run", async () => {
    await bench.write("a.txt", "a");
    const { runId, sessionId } = await bench.startMaking("late.txt");

    await bench.engine.destroySession(sessionId);

    expect(await paths((await newest("destroy")).id)).toEqual(["a.txt", "late.txt"]);
    expect((await bench.finish(runId)).run.exit?.kind).toBe("lost");
    expect(bench.provider.sandboxes.size).toBe(0);
  });

  it("a sandbox that hangs is destroyed all the same", async () => {
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    await bench.write("a.txt", "a");
    const { sessionId } = await bench.startMaking("late.txt");
    await newest("push");
    const asked = Promise.withResolvers<void>();
    bench.provider.onStep = async (step) => {
      if (step !== "list") return;
      asked.resolve();
      await new Promise(() => {});
    };

    const destroying = bench.engine.destroySession(sessionId);
    await asked.promise;
    clock.advance(30_000);
    await destroying;

    expect(bench.provider.sandboxes.size).toBe(0);
    expect(await causes()).toEqual(["push"]);
  });

  it("what it holds is kept when its time is nearly up, once", async () => {
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    await bench.write("a.txt", "a");
    const { runId } = await bench.startMaking("late.txt");

    await newest("push");

    clock.advance(50 * 60_000);
    expect(await causes()).toEqual(["push"]);
    clock.advance(9 * 60_000);
    const record = await newest("expiry");
    clock.advance(30_000);

    expect(await paths(record.id)).toEqual(["a.txt", "late.txt"]);
    expect(await causes()).toEqual(["expiry", "push"]);
    await bench.engine.stopRun(runId, true);
  });

  it(
    "what it holds is kept when its time is nearly up and an earlier engine started it",
    { timeout: 20_000 },
    async () => {
      const clock = new FakeClock(Date.now());
      await bench.write("a.txt", "a");
      await bench.startMaking("late.txt");
      await newest("push");
      const end = clock.now() + 59 * 60_000;
      const found = Promise.withResolvers<void>();
      bench.provider.onStep = (step) => (step === "connect" ? found.resolve() : undefined);
      await bench.restart({ clock });
      await found.promise;

      await expect
        .poll(
          async () => {
            // A little at a time, as the sandbox may still be on its way into the engine's hands.
            if (clock.now() < end) clock.advance(2 * 60_000);
            return (await causes())[0];
          },
          { interval: 20, timeout: 15_000 },
        )
        .toBe("expiry");

      expect(await paths((await newest("expiry")).id)).toEqual(["a.txt", "late.txt"]);
    },
  );

  it("what a run made is still that run's to be decided about after such a look", async () => {
    await bench.write("a.txt", "a");
    const { runId, sessionId } = await bench.startMaking("late.txt");
    await bench.engine.takeSnapshot({ kind: "session", sessionId });

    await bench.engine.stopRun(runId, false);

    const { run } = await bench.finish(runId);
    expect(run.changes).toMatchObject({ added: 1, pending: 1 });
  });

  it("what a run made whose engine died is the next run's to tell of after such a look", async () => {
    await bench.write("a.txt", "a");
    const { sessionId } = await bench.startMaking("late.txt");
    await bench.restart();
    await bench.engine.takeSnapshot({ kind: "session", sessionId });

    const { run } = await bench.runLine("true");

    expect(run.sessionId).toBe(sessionId);
    expect(run.changes).toMatchObject({ added: 1, pending: 1 });
  });

  it("nothing is kept of a session that nobody used", async () => {
    const { id } = await bench.engine.startSession(bench.workspace, DEFAULT_TARGET);

    await bench.engine.destroySession(id);

    expect(await causes()).toEqual([]);
  });
});
