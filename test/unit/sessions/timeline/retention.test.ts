import { randomBytes } from "node:crypto";
import { readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { SnapshotRecord } from "../../../../src/sessions/snapshot-records.ts";
import { createObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";

const HOUR_MS = 60 * 60_000;

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

/** Takes a snapshot of the workspace with that as its only file. */
async function take(text: string, name?: string): Promise<SnapshotRecord> {
  await bench.write("a.txt", text);
  const { workspace: workspaceRoot } = bench;
  return await bench.engine.takeSnapshot({ kind: "workspace", workspaceRoot, overlays: [], maxFileMiB: 100 }, name);
}

async function setRetention(changes: object): Promise<void> {
  const { policy } = await bench.engine.readStorage();
  await bench.engine.setRetention({ ...policy, ...changes });
}

async function ids(): Promise<string[]> {
  return (await bench.engine.listSnapshots()).map(({ id }) => id);
}

/** Makes everything that is kept look as if it had been written some hours ago. */
async function age(): Promise<void> {
  const time = new Date(Date.now() - 3 * HOUR_MS);
  for (const folder of [bench.state.store, bench.state.trees])
    for (const name of await readdir(folder, { recursive: true })) await utimes(join(folder, name), time, time);
}

/** 0.9 MiB on disk, as it cannot be compressed. */
function noise(): string {
  return randomBytes(0.9 * 1024 ** 2).toString("base64");
}

async function isKept(snapshot: SnapshotRecord): Promise<boolean> {
  // One of its own, since the engine's may know by heart what it had.
  const store = createObjectStore(bench.state.store);
  const files = await bench.engine.listSnapshotFiles(snapshot.id).catch(() => undefined);
  for (const { entry } of files ?? []) if (entry.type === "file" && !(await store.has(entry.sha256))) return false;
  return files !== undefined;
}

describe("retention", () => {
  it("is as it was set, for every engine from then on; until then 100 snapshots, 30 days and 2 GiB", async () => {
    const policy = { maxSnapshots: 100, maxAgeDays: 30, maxTotalMiB: 2048 };
    expect((await bench.engine.readStorage()).policy).toEqual(policy);

    await setRetention({ maxSnapshots: 7 });
    await bench.restart();

    expect((await bench.engine.readStorage()).policy).toEqual({ ...policy, maxSnapshots: 7 });
    await expect(setRetention({ maxSnapshots: -1 })).rejects.toMatchObject({ code: "invalid" });
    await expect(setRetention({ maxAgeDays: Number.NaN })).rejects.toMatchObject({ code: "invalid" });
  });

  it("does not keep an engine from starting when what was set is damaged or of a newer version", async () => {
    for (const text of ["{", '{"version":2}']) {
      await writeFile(join(bench.state.root, "retention.json"), text);
      await bench.restart();
      expect((await bench.engine.readStorage()).policy).toMatchObject({ maxSnapshots: 100 });
    }
  });

  it("removes the oldest beyond the number, but neither named nor pinned ones", async () => {
    const named = await take("1", "named");
    const pinned = await take("2");
    await bench.engine.updateSnapshot(pinned.id, { isPinned: true });
    await take("3");
    const fourth = await take("4");
    const fifth = await take("5");

    await setRetention({ maxSnapshots: 2 });

    expect(await ids()).toEqual([fifth.id, fourth.id, pinned.id, named.id]);
  });

  it("removes what is too old, also when nothing is added", async () => {
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    await take("1");
    await take("2", "named");
    clock.advance(20 * 24 * HOUR_MS);
    await take("3");

    clock.advance(11 * 24 * HOUR_MS);
    await bench.restart({ clock });
    clock.advance(HOUR_MS);

    await expect
      .poll(async () => (await bench.engine.listSnapshots()).map(({ name }) => name))
      .toEqual([undefined, "named"]);
  });

  it("leaves a session its last snapshot while others go by number", async () => {
    const { run } = await bench.runLine("echo made > made.txt");
    await expect.poll(async () => (await bench.engine.listSnapshots())[0]?.cause).toBe("exit");
    await bench.engine.destroySession(run.sessionId ?? "");
    const [last] = await bench.engine.listSnapshots();
    await take("1");
    await take("2");
    const third = await take("3");

    await setRetention({ maxSnapshots: 1 });

    expect(await ids()).toEqual([third.id, last?.id]);
  });

  it("tells how much there is", async () => {
    expect(await bench.engine.readStorage()).toMatchObject({ snapshotCount: 0, storedBytes: 0 });

    await take("x".repeat(1000));

    const { snapshotCount, storedBytes } = await bench.engine.readStorage();
    expect(snapshotCount).toBe(1);
    expect(storedBytes).toBeGreaterThan(50);
  });
});

describe("what nothing needs any more", () => {
  it("goes from the disk with the snapshots that had it, and nothing else does", async () => {
    const first = await take("one");
    const second = await take("two", "kept");
    const files = await bench.engine.listSnapshotFiles(first.id);
    await bench.engine.deleteSnapshot(first.id);
    await age();

    await setRetention({ maxSnapshots: 50 });

    const store = createObjectStore(bench.state.store);
    for (const { entry } of files) if (entry.type === "file") expect(await store.has(entry.sha256)).toBe(false);
    expect((await readdir(bench.state.trees)).includes(first.treeHash)).toBe(false);
    expect(await isKept(second)).toBe(true);
  });

  it("is nothing that a session's sandbox holds: its state can be kept afterwards", async () => {
    await bench.write("a.txt", "a");
    const { run } = await bench.runLine("echo made > made.txt");
    await expect.poll(async () => (await bench.engine.listSnapshots()).length).toBe(2);
    const [last] = await bench.engine.listSnapshots();
    const files = await bench.engine.listSnapshotFiles(last?.id ?? "");
    for (const id of await ids()) await bench.engine.deleteSnapshot(id);
    await age();

    await setRetention({ maxSnapshots: 50 });
    await bench.restart();
    await setRetention({ maxSnapshots: 51 });

    const store = createObjectStore(bench.state.store);
    for (const { entry } of files) if (entry.type === "file") expect(await store.has(entry.sha256)).toBe(true);
    const taken = await bench.engine.takeSnapshot({ kind: "session", sessionId: run.sessionId ?? "" });
    expect(taken.fileCount).toBe(2);
    expect(await isKept(taken)).toBe(true);
  });

  it("is nothing that the user has still to decide about", async () => {
    await bench.write("a.txt", "a");
    const { run } = await bench.runLine("echo made > made.txt; echo changed > a.txt");
    const old = await take("one");
    await bench.write("a.txt", "a");
    const changeSet = await bench.engine.restoreWorkspace(old.id, 100);
    await bench.engine.destroySession(run.sessionId ?? "");
    for (const id of await ids()) await bench.engine.deleteSnapshot(id);
    await age();

    await setRetention({ maxSnapshots: 50 });

    expect(await bench.engine.applyChanges(changeSet.id, "all", [])).toMatchObject({ applied: ["a.txt"] });
    expect(await bench.engine.applyChanges(run.id, ["made.txt"], [])).toMatchObject({ applied: ["made.txt"] });
  });

  it("stays when another engine uses the folder too", async () => {
    const first = await take("one");
    const files = await bench.engine.listSnapshotFiles(first.id);
    await bench.restart({ isShared: true });
    await bench.engine.deleteSnapshot(first.id);
    await age();

    await setRetention({ maxSnapshots: 50 });

    const store = createObjectStore(bench.state.store);
    for (const { entry } of files) if (entry.type === "file") expect(await store.has(entry.sha256)).toBe(true);
  });
});

describe("the size of what is kept", () => {
  it("is held by giving up the oldest, and never for what only waits to be collected", async () => {
    const pinned = await take(noise(), "pinned");
    const second = await take(noise());
    const third = await take(noise());
    const fourth = await take(noise());

    await setRetention({ maxTotalMiB: 3 });

    expect(await ids()).toEqual([fourth.id, third.id, pinned.id]);
    expect(await ids()).not.toContain(second.id);
    await setRetention({ maxTotalMiB: 3 });
    expect((await ids()).length).toBe(3);
  });
});

describe("a session that has ended", () => {
  it("stays on record as long as a snapshot of it is there, and then goes", async () => {
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    await bench.write("a.txt", "a");
    const { run } = await bench.runLine("echo made > made.txt");
    await expect.poll(async () => (await bench.engine.listSnapshots())[0]?.cause).toBe("exit");
    const [last] = await bench.engine.listSnapshots();
    await bench.engine.updateSnapshot(last?.id ?? "", { isPinned: true });
    await bench.engine.destroySession(run.sessionId ?? "");

    clock.advance(40 * 24 * HOUR_MS);
    await bench.restart({ clock });

    expect(await bench.engine.listRuns()).toEqual([]);
    expect((await bench.engine.listSessions()).map(({ id, state }) => [id, state])).toEqual([[run.sessionId, "ended"]]);
    const again = await bench.engine.restoreSession(last?.id ?? "", DEFAULT_TARGET);
    await bench.engine.destroySession(again.id);
    for (const id of await ids()) await bench.engine.deleteSnapshot(id);
    clock.advance(2 * 24 * HOUR_MS);
    await bench.restart({ clock });
    expect(await bench.engine.listSessions()).toEqual([]);
  });

  it("is told to have ended when its sandbox went while no engine was there", async () => {
    await bench.write("a.txt", "a");
    const { run } = await bench.runLine("echo made > made.txt");
    await expect.poll(async () => (await bench.engine.listSnapshots())[0]?.cause).toBe("exit");
    const [session] = await bench.engine.listSessions();
    await bench.provider.lose(session?.sandboxId ?? "");

    await bench.restart();

    await expect
      .poll(async () => (await bench.engine.listSessions())[0])
      .toMatchObject({
        id: run.sessionId,
        state: "ended",
        endReason: "Its sandbox has ended.",
      });
    const [last] = await bench.engine.listSnapshots();
    const restored = await bench.engine.restoreSession(last?.id ?? "", DEFAULT_TARGET);
    expect((await bench.runLine("cat made.txt")).stdout).toBe("made\n");
    expect(restored.restoredFrom).toBe(last?.id);
  });

  it("is not told to have ended because its provider does not answer", async () => {
    await bench.runLine("true");
    const asked = Promise.withResolvers<void>();
    bench.provider.onStep = (step) => {
      if (step !== "connect") return;
      asked.resolve();
      throw new Error("The daemon does not answer.");
    };

    await bench.restart();
    await asked.promise;
    bench.provider.onStep = () => undefined;

    expect((await bench.engine.listSessions())[0]?.state).toBe("ready");
    expect((await bench.runLine("true")).run.exit).toEqual({ kind: "exited", code: 0 });
    expect(bench.provider.createdSpecs.length).toBe(1);
  });

  it("was killed with its engine in mid-run: it is found again, and what it held can be restored after its end", async () => {
    await bench.write("a.txt", "a");
    const { runId: id, sessionId } = await bench.startMaking("made.txt");

    await bench.restart();
    expect((await bench.engine.listSessions())[0]).toMatchObject({ id: sessionId, state: "ready" });
    expect((await bench.engine.listRuns())[0]).toMatchObject({ id, exit: { kind: "lost" } });
    await bench.engine.destroySession(sessionId);

    const [last] = await bench.engine.listSnapshots();
    expect(last).toMatchObject({ sessionId, cause: "destroy" });
    await bench.engine.restoreSession(last?.id ?? "", DEFAULT_TARGET);
    expect((await bench.runLine("cat a.txt made.txt")).stdout).toBe("amade\n");
  });
});
