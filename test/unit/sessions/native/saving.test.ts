import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { SnapshotRecord } from "../../../../src/sessions/snapshot-records.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";
import { FakeCloudProvider } from "../../../fakes/fake-cloud-provider.ts";

const H100 = { ...DEFAULT_TARGET, gpu: "H100" };
const L4 = { ...DEFAULT_TARGET, gpu: "L4" };
const DAY_MS = 24 * 60 * 60_000;
/** More than what is worth mounting, less than what a command waits for. */
const DATA = "x".repeat(1024 ** 2);

let bench: EngineBench;
let cloud: FakeCloudProvider;

beforeEach(async () => {
  bench = await EngineBench.create({}, (root) => (cloud = new FakeCloudProvider(root)));
  await bench.write("data.txt", DATA);
  await bench.write("train.py", "v1");
});

afterEach(async () => {
  await bench.dispose();
});

/** A run that leaves that, once what it left has been saved. */
async function runAndSave(line: string, target = H100): Promise<string> {
  const before = new Set(cloud.saved.keys());
  const { run } = await bench.runLine(line, { target });
  await eventually(() => [...cloud.saved.keys()].filter((id) => !before.has(id)).length).toBe(1);
  await eventually(async () => (await newest(run.sessionId))?.accelerated).toBeDefined();
  return run.sessionId ?? "";
}

async function newest(sessionId: string | undefined): Promise<SnapshotRecord | undefined> {
  return (await bench.engine.listSnapshots()).find((snapshot) => snapshot.sessionId === sessionId);
}

/** What comes of what goes on in the background. */
function eventually<T>(read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 10_000, interval: 10 });
}

async function filesOf(sessionId: string): Promise<string[]> {
  return (await readdir(await bench.sandboxOf(sessionId), { recursive: true })).sort();
}

describe("a workspace that a provider keeps", { timeout: 20_000 }, () => {
  it("is saved before the first command where much was sent, and that run's changes are not in it", async () => {
    await bench.write("large.bin", "z".repeat(17 * 1024 ** 2));
    let savedBefore: string[] = [];
    cloud.onStep = async (step) => {
      if (step === "exec" && cloud.saved.size > 0 && savedBefore.length === 0) {
        const [id = ""] = cloud.saved.keys();
        savedBefore = await readdir(cloud.folderOf(id));
      }
    };

    await bench.runLine("echo late > late.txt");

    expect(savedBefore).toContain("large.bin");
    expect(savedBefore).not.toContain("late.txt");
  });

  it("costs a small push nothing", async () => {
    const steps: string[] = [];
    cloud.onStep = (step) => void steps.push(step);

    await bench.runLine("true");

    expect(steps.slice(0, steps.indexOf("list"))).toEqual(["create", "create-answer", "apply", "exec"]);
  });

  it("leaves no trace of the saving in the sandbox", async () => {
    const sessionId = await runAndSave("true");

    expect(await filesOf(sessionId)).toEqual(["data.txt", "train.py"]);
  });

  it("is what it was when a process that outlived its run changes files meanwhile: then it is deleted again", async () => {
    let saves = 0;
    cloud.onStep = async (step) => {
      if (step !== "save") return;
      saves += 1;
      const [sandbox] = cloud.sandboxes.values();
      await writeFile(join(sandbox?.folder ?? "", "workspace", "data.txt"), "changed behind our backs");
      const later = new Date(Date.now() + 5000);
      await utimes(join(sandbox?.folder ?? "", "workspace", "data.txt"), later, later);
    };

    const { run } = await bench.runLine("true", { target: H100 });
    await bench.engine.destroySession(run.sessionId ?? "");

    expect(saves).toBeGreaterThan(0);
    expect(cloud.saved.size).toBe(0);
    expect(await readdir(bench.state.native)).toEqual([]);
  });

  it("is not saved while another run goes on", async () => {
    const { runId, sessionId } = await bench.startMaking("late.txt");
    const { run } = await bench.runLine("true");

    expect(run.sessionId).toBe(sessionId);
    await bench.engine.takeSnapshot({ kind: "session", sessionId });
    expect(cloud.saved.size).toBe(0);
    await bench.engine.stopRun(runId, true);
    await eventually(() => cloud.saved.size).toBe(1);
  });

  it("is never a reason for a run to fail", async () => {
    await bench.write("large.bin", "z".repeat(17 * 1024 ** 2));
    let saves = 0;
    cloud.onStep = (step) => {
      if (step !== "save") return;
      saves += 1;
      throw new SandboxError("unavailable", "Not now.");
    };

    const { run } = await bench.runLine("ls -A");
    await bench.engine.destroySession(run.sessionId ?? "");

    expect(run).toMatchObject({ exit: { kind: "exited", code: 0 }, changes: { added: 0 } });
    expect(run.error).toBeUndefined();
    expect(saves).toBe(3);
    expect(cloud.sandboxes.size).toBe(0);
  });

  it("is waited for by the next push in that session, and by nobody else", async () => {
    const asked = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const steps: string[] = [];
    cloud.onStep = async (step) => {
      if (step === "apply") steps.push("sent");
      if (step !== "save") return;
      asked.resolve();
      await goOn.promise;
      steps.push("saved");
    };
    const { run } = await bench.runLine("true");
    expect(run.state).toBe("ended");
    await asked.promise;
    await bench.write("train.py", "v2");

    const request = bench.toRequest({ kind: "line", line: "cat train.py" });
    const { id } = await bench.engine.startRun(request);
    // Takes as long as the run takes to know what to send.
    await bench.engine.previewUpload(request);
    goOn.resolve();

    expect((await bench.finish(id)).stdout).toBe("v2");
    expect(steps.slice(0, 3)).toEqual(["sent", "saved", "sent"]);
  });

  it("is said of the snapshots with these files, until it expires", async () => {
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    const sessionId = await runAndSave("echo model > model.bin");
    const accelerated = (await newest(sessionId))?.accelerated;
    expect(accelerated?.providerId).toBe("local");
    expect(Date.parse(accelerated?.until ?? "") - Date.now()).toBeGreaterThan(6.9 * DAY_MS);
    const heard: SnapshotRecord[] = [];
    bench.engine.onDidChange((event) => void (event.type === "snapshot" && heard.push(event.snapshot)));

    clock.advance(8 * DAY_MS);

    await eventually(() => heard.map((snapshot) => snapshot.accelerated)).toContain(undefined);
    expect((await newest(sessionId))?.accelerated).toBeUndefined();
  });

  it("is not written into the snapshots' own records", async () => {
    const sessionId = await runAndSave("true");
    const snapshot = await newest(sessionId);
    await bench.engine.updateSnapshot(snapshot?.id ?? "", { isPinned: true });

    expect(await readFile(join(bench.state.snapshots, `${snapshot?.id}.json`), "utf8")).not.toContain("accelerated");
  });

  it("is deleted at the provider when three newer ones are there", async () => {
    const sessionIds = [];
    for (const name of ["a", "b", "c", "d", "e"]) sessionIds.push(await runAndSave(`echo ${name} > made.txt`));

    await eventually(() => cloud.saved.size).toBe(3);
    expect((await readdir(bench.state.native)).length).toBe(3);
    expect(new Set(sessionIds).size).toBe(1);
  });

  it("stays usable when the snapshots with these files have become too old", async () => {
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    await bench.engine.destroySession(await runAndSave("true"));
    const past = new Date(Date.now() - DAY_MS);
    for (const folder of [bench.state.trees, bench.state.store])
      for (const name of await readdir(folder, { recursive: true })) await utimes(join(folder, name), past, past);
    clock.advance(2 * DAY_MS);
    await bench.engine.setRetention({ ...(await bench.engine.readStorage()).policy, maxAgeDays: 1 });
    expect(await bench.engine.listSnapshots()).toEqual([]);

    const { run } = await bench.runLine("true", { target: L4 });

    expect(run.sent).toEqual({ fileCount: 0, totalBytes: 0 });
    await eventually(async () => (await newest(run.sessionId))?.runId).toBe(run.id);
  });

  it("is deleted at the provider with the last snapshot that has these files", async () => {
    await bench.engine.destroySession(await runAndSave("true"));
    const [last, ...others] = await bench.engine.listSnapshots();
    for (const { id } of others) await bench.engine.deleteSnapshot(id);
    expect(cloud.saved.size).toBe(1);

    await bench.engine.deleteSnapshot(last?.id ?? "");

    expect(cloud.saved.size).toBe(0);
    expect(await readdir(bench.state.native)).toEqual([]);
  });

  it("is not made of a workspace that is sent as fast as it is mounted", async () => {
    await bench.write("data.txt", "small");

    const { run } = await bench.runLine("true");
    await bench.engine.destroySession(run.sessionId ?? "");

    expect(cloud.saved.size).toBe(0);
  });
});
