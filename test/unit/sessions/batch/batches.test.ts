import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import type { BatchPlan, BatchRecord } from "../../../../src/sessions/cloud-records.ts";
import { createDeferred } from "../../../../src/sessions/deferred.ts";
import type { RunRecord, RunRequest } from "../../../../src/sessions/records.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";
import { toFakeToken } from "../../../fakes/fake-secrets.ts";

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

async function start(line: string, plan: BatchPlan, changes: Partial<RunRequest> = {}): Promise<BatchRecord> {
  return await bench.engine.startBatch(bench.toRequest({ kind: "line", line }, changes), plan);
}

/** Resolves with the batch's record once that is so. */
async function waitFor(id: string, isSo: (batch: BatchRecord) => boolean): Promise<BatchRecord> {
  return await new Promise((resolve) => {
    const take = (batch: BatchRecord | undefined): void => {
      if (batch?.id === id && isSo(batch)) resolve(batch);
    };
    bench.engine.onDidChange((event) => (event.type === "batch" ? take(event.batch) : undefined));
    void bench.engine.listBatches().then((batches) => take(batches.find((batch) => batch.id === id)));
  });
}

async function runBatch(line: string, plan: BatchPlan, changes: Partial<RunRequest> = {}): Promise<BatchRecord> {
  const { id } = await start(line, plan, changes);
  return await waitFor(id, ({ state }) => state === "ended");
}

/** In the order of their indices. */
async function listRuns(batch: BatchRecord): Promise<readonly RunRecord[]> {
  const runs = (await bench.engine.listRuns()).filter((run) => run.batch?.id === batch.id);
  return runs.sort((a, b) => (a.batch?.index ?? 0) - (b.batch?.index ?? 0));
}

describe("a batch", { timeout: 30_000 }, () => {
  it("runs one command in many sandboxes, each with its index, its output and its changes", async () => {
    await bench.write("base.txt", "base\n");

    const batch = await runBatch('echo "$SANDPIPER_INDEX of $SANDPIPER_COUNT"; cp base.txt out-$SANDPIPER_INDEX', {
      count: 3,
    });

    expect(batch).toMatchObject({ count: 3, queued: 0, active: 0, succeeded: 3, failed: 0 });
    const runs = await listRuns(batch);
    const outputs = await Promise.all(runs.map(async ({ id }) => (await bench.finish(id)).stdout));
    expect(outputs).toEqual(["0 of 3\n", "1 of 3\n", "2 of 3\n"]);
    for (const [index, { id }] of runs.entries())
      expect(await bench.engine.readChanges(id)).toMatchObject([{ path: `out-${index}`, kind: "added" }]);
    expect(new Set(bench.provider.createdSpecs.map(({ labels }) => labels["sandpiper.session"])).size).toBe(3);
    expect(bench.provider.sandboxes.size).toBe(0);
  });

  it("applies what one of its runs changed as any run's", async () => {
    const batch = await runBatch("echo $SANDPIPER_INDEX > out", { count: 2 });
    const [, second] = await listRuns(batch);

    await bench.engine.applyChanges(second?.id ?? "", "all", []);

    expect((await bench.runLine("cat out")).stdout).toBe("1\n");
  });

  it("has no more sandboxes at once than it was told, and as many", async () => {
    const seen: number[] = [];
    bench.provider.onStep = (step) => void (step === "exec" && seen.push(bench.provider.sandboxes.size));

    const batch = await runBatch("true", { count: 9, concurrency: 3 });

    expect(batch).toMatchObject({ concurrency: 3, succeeded: 9 });
    expect(Math.max(...seen)).toBeLessThanOrEqual(3);
  });

  it.each([
    ["what the provider says", {}, 2],
    ["the target's own option, where it has one", { maxConcurrent: "3" }, 3],
  ])("keeps to %s, whatever was asked for", async (_, options, expected) => {
    Object.assign(bench.provider, { maxConcurrentSandboxes: 2 });
    const target = { ...bench.toRequest({ kind: "shell" }).target, options };

    const batch = await runBatch("true", { count: 4, concurrency: 4 }, { target });

    expect(batch).toMatchObject({ concurrency: expected, succeeded: 4 });
  });

  it("leaves to other sessions the room that they have at the provider", async () => {
    Object.assign(bench.provider, { maxConcurrentSandboxes: 2 });
    await bench.runLine("true");
    const seen: number[] = [];
    bench.provider.onStep = (step) => void (step === "exec" && seen.push(bench.provider.sandboxes.size));

    const batch = await runBatch("true", { count: 3 });

    expect(batch.succeeded).toBe(3);
    expect(Math.max(...seen)).toBe(2);
  });

  it("goes on when some of its runs fail, and counts them", async () => {
    const batch = await runBatch("exit $((SANDPIPER_INDEX % 2))", { count: 4 });

    expect(batch).toMatchObject({ succeeded: 2, failed: 2 });
    expect(batch.error).toBeUndefined();
  });

  it("runs what was on screen when it was asked for, whatever becomes of the workspace", async () => {
    await bench.write("a.sh", "cat b.txt");
    await bench.write("b.txt", "first");
    const request = bench.toRequest(
      { kind: "file", path: "a.sh", args: [] },
      { overlays: [{ path: "b.txt", text: "screen" }] },
    );

    const { id } = await bench.engine.startBatch(request, { count: 3, concurrency: 1 });
    await bench.write("b.txt", "second");
    await bench.write("a.sh", "exit 9");
    const batch = await waitFor(id, ({ state }) => state === "ended");

    const outputs = (await listRuns(batch)).map(async (run) => (await bench.finish(run.id)).stdout);
    expect(await Promise.all(outputs)).toEqual(["screen", "screen", "screen"]);
  });

  it("runs the files of the snapshot that was named", async () => {
    await bench.write("b.txt", "then");
    const source = { kind: "workspace", workspaceRoot: bench.workspace, overlays: [], maxFileMiB: 1 } as const;
    const { id: snapshotId } = await bench.engine.takeSnapshot(source);
    await bench.write("b.txt", "now");

    const batch = await runBatch("cat b.txt", { count: 1 }, { snapshotId });

    const [run] = await listRuns(batch);
    expect((await bench.finish(run?.id ?? "")).stdout).toBe("then");
  });

  it("puts one snapshot on the timeline, kept by a name for as long as it goes on", async () => {
    await bench.write("a.txt", "a");

    const { id, snapshotId } = await start("sleep 60; touch $SANDPIPER_INDEX", { count: 3 }, { title: "sweep" });
    const during = await bench.engine.listSnapshots();
    await bench.engine.stopBatch(id);
    const after = await bench.engine.listSnapshots();

    expect(during).toMatchObject([{ id: snapshotId, name: "Batch of 3: sweep" }]);
    expect(after).toMatchObject([{ id: snapshotId }]);
    expect(after[0]?.name).toBeUndefined();
  });

  it("leaves neither sessions nor packed files behind", async () => {
    await bench.write("a.txt", "a");

    await runBatch("true", { count: 5 });

    expect(await bench.engine.listSessions()).toEqual([]);
    expect(await readdir(bench.state.ledger)).toEqual([]);
    expect((await readdir(bench.state.cache)).filter((name) => name.includes("batch"))).toEqual([]);
  });

  it("stops: starts no more runs and ends those that go on", async () => {
    const { id } = await start("sleep 60", { count: 8, concurrency: 2 });
    await waitFor(id, ({ active }) => active === 2);
    const [first] = await bench.engine.listRuns();
    await bench.waitFor(first?.id ?? "", ({ state }) => state === "running");

    await bench.engine.stopBatch(id);

    const batch = await waitFor(id, ({ state }) => state === "ended");
    expect(batch).toMatchObject({ queued: 6, active: 0, succeeded: 0, failed: 2 });
    expect(await listRuns(batch)).toMatchObject([{ stopReason: "user" }, { stopReason: "user" }]);
    expect(bench.provider.sandboxes.size).toBe(0);
  });

  it("starts no more once an error says that no other run would do better, and says why", async () => {
    bench.provider.onStep = (step) => {
      if (step === "create") throw new SandboxError("auth", "Sign in first.");
    };

    const batch = await runBatch("true", { count: 50, concurrency: 2 });

    expect(batch).toMatchObject({ error: "Sign in first.", succeeded: 0 });
    expect(batch.failed).toBeLessThanOrEqual(2);
    expect(batch.queued + batch.failed).toBe(50);
  });

  it("gives up after ten false starts in a row", async () => {
    bench.provider.onStep = (step) => {
      if (step === "create") throw new SandboxError("unavailable", "No answer.");
    };

    const batch = await runBatch("true", { count: 50, concurrency: 1 });

    expect(batch).toMatchObject({ error: "No answer.", failed: 10, queued: 40 });
  });

  it("has a sandbox destroyed that was made although the answer was lost", async () => {
    bench.provider.onStep = (step) => {
      if (step === "create-answer") throw new SandboxError("unavailable", "No answer.");
    };

    const batch = await runBatch("true", { count: 1 });

    expect(batch.failed).toBe(1);
    await expect.poll(() => bench.provider.sandboxes.size).toBe(0);
  });

  it("has a sandbox destroyed when that failed at first, and forgets it then", async () => {
    let failures = 0;
    bench.provider.onStep = (step) => {
      if (step === "destroy" && failures++ === 0) throw new SandboxError("unavailable", "No answer.");
    };

    const batch = await runBatch("true", { count: 1 });

    expect(batch.succeeded).toBe(1);
    await expect.poll(() => bench.provider.sandboxes.size).toBe(0);
    await expect.poll(() => bench.engine.listSessions()).toEqual([]);
  });

  it("waits for room at a provider that is full, and runs all the same", async () => {
    const clock = new FakeClock(Date.now());
    await bench.dispose();
    bench = await EngineBench.create({ clock });
    const refused = createDeferred<void>();
    let isFull = true;
    bench.provider.onStep = (step) => {
      if (step !== "create" || !isFull) return;
      refused.resolve();
      throw new SandboxError("quota", "Full.");
    };

    const { id } = await start("true", { count: 2, concurrency: 2 });
    await refused.promise;
    isFull = false;
    const ended = waitFor(id, ({ state }) => state === "ended");
    const ticking = setInterval(() => clock.advance(1000), 20);
    const batch = await ended;
    clearInterval(ticking);

    expect(batch).toMatchObject({ succeeded: 2, failed: 0 });
    expect(batch.error).toBeUndefined();
  });

  it("sends nothing when the snapshot holds a credential, and makes nothing", async () => {
    await bench.write("key.txt", `token = "${toFakeToken("ghp_", 36)}"`);

    await expect(start("true", { count: 2 })).rejects.toMatchObject({ code: "blocked" });

    expect(bench.provider.createdSpecs).toEqual([]);
    expect(await bench.engine.listBatches()).toEqual([]);
  });

  it.each<[string, BatchPlan, RegExp]>([
    ["no runs at all", { count: 0 }, /between 1 and 10000/],
    ["more runs than anybody wants", { count: 10_001 }, /between 1 and 10000/],
    ["half a run", { count: 1.5 }, /between 1 and 10000/],
    ["nothing at once", { count: 1, concurrency: 0 }, /At least one run at once/],
  ])("refuses %s", async (_, plan, message) => {
    await expect(start("true", plan)).rejects.toThrow(message);
  });

  it("refuses a shell, which nobody could type into", async () => {
    const request = bench.toRequest({ kind: "shell" });

    await expect(bench.engine.startBatch(request, { count: 2 })).rejects.toThrow(/shell cannot be run many times/);
  });

  it("is ended by the next engine when its own died, and its sandboxes with it", async () => {
    const { id } = await start("sleep 60", { count: 2, concurrency: 2 });
    await waitFor(id, ({ active }) => active === 2);
    for (const run of await bench.engine.listRuns()) await bench.waitFor(run.id, ({ state }) => state === "running");
    await writeFile(join(bench.state.cache, "batch-x.tar"), "left over");

    await bench.restart();

    const [batch] = await bench.engine.listBatches();
    expect(batch).toMatchObject({ id, state: "ended", active: 0, queued: 0, failed: 2 });
    expect(batch?.error).toMatch(/engine ended before/);
    expect(await readdir(bench.state.cache)).not.toContain("batch-x.tar");
    await expect.poll(() => bench.provider.sandboxes.size).toBe(0);
    await expect.poll(() => bench.engine.listSessions()).toEqual([]);
  });

  it("destroys its sandboxes when the engine ends", async () => {
    const { id } = await start("sleep 60", { count: 4, concurrency: 2 });
    await waitFor(id, ({ active }) => active === 2);
    for (const run of await bench.engine.listRuns()) await bench.waitFor(run.id, ({ state }) => state === "running");
    expect(bench.engine.isBusy).toBe(true);

    await bench.engine.dispose();

    expect(bench.provider.sandboxes.size).toBe(0);
    await bench.restart();
    expect(await bench.engine.listBatches()).toMatchObject([{ id, state: "ended", error: /engine was stopped/ }]);
  });
});
