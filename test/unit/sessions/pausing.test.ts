import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../src/core/sandbox-error.ts";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import type { SessionRecord } from "../../../src/sessions/records.ts";
import { toSessionFolder } from "../../../src/sessions/state-folder.ts";
import { EngineBench } from "../../fakes/engine-bench.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";
import { FakeCloudProvider } from "../../fakes/fake-cloud-provider.ts";

let bench: EngineBench;
let cloud: FakeCloudProvider;

beforeEach(async () => {
  bench = await EngineBench.create({}, (root) => (cloud = new FakeCloudProvider(root)));
  await bench.write("a.txt", "a");
});

afterEach(async () => {
  await bench.dispose();
});

async function read(sessionId: string): Promise<SessionRecord | undefined> {
  return (await bench.engine.listSessions()).find(({ id }) => id === sessionId);
}

/** A session that ran that line and was paused. */
async function runAndPause(line: string): Promise<SessionRecord> {
  const { run } = await bench.runLine(line);
  return await bench.engine.pauseSession(run.sessionId ?? "");
}

describe("a paused session", { timeout: 20_000 }, () => {
  it("has no sandbox any more, and a snapshot of what it held", async () => {
    const session = await runAndPause("echo made > made.txt");

    expect(session).toMatchObject({ state: "paused", pausedId: [...cloud.saved.keys()][0] });
    expect(cloud.sandboxes.size).toBe(0);
    const [snapshot] = await bench.engine.listSnapshots();
    const files = await bench.engine.listSnapshotFiles(snapshot?.id ?? "");
    expect(files.map(({ path }) => path)).toEqual(["a.txt", "made.txt"]);
  });

  it("goes on by itself at the next run that could use it, and is sent what has changed since", async () => {
    await bench.write(".gitignore", "cache.txt\n");
    const { id, sandboxId } = await runAndPause("echo made > made.txt; echo kept > cache.txt");
    await bench.write("b.txt", "b");

    const { run, stdout } = await bench.runLine("cat made.txt cache.txt b.txt");

    expect(run.sessionId).toBe(id);
    expect(stdout).toBe("made\nkept\nb");
    expect(run.sent).toEqual({ fileCount: 1, totalBytes: 1 });
    expect(run.changes?.added).toBe(0);
    const session = await read(id);
    expect(session?.state).toBe("ready");
    expect(session?.sandboxId).not.toBe(sandboxId);
    expect(session).not.toHaveProperty("pausedId");
  });

  it("is left alone by runs on another target", async () => {
    const { id } = await runAndPause("true");

    await bench.runLine("true", { target: { ...DEFAULT_TARGET, memoryMiB: 512 } });

    expect((await read(id))?.state).toBe("paused");
  });

  it("goes on when it is told to, once", async () => {
    const { id } = await runAndPause("true");

    const [one, two] = await Promise.all([bench.engine.resumeSession(id), bench.engine.resumeSession(id)]);

    expect([one.state, two.state]).toEqual(["ready", "ready"]);
    expect(cloud.sandboxes.size).toBe(1);
  });

  it("can be asked for nothing until it goes on", async () => {
    const { id } = await runAndPause("true");

    const message = /paused.*Resume/;
    await expect(bench.engine.openPort(id, 80)).rejects.toMatchObject({ code: "conflict", message });
    await expect(bench.engine.pauseSession(id)).rejects.toMatchObject({ code: "conflict", message });
    await expect(bench.engine.takeSnapshot({ kind: "session", sessionId: id })).rejects.toMatchObject({ message });
  });

  it("stays paused when an engine dies, and while it is being resumed", async () => {
    const { id } = await runAndPause("echo made > made.txt");
    await bench.restart();
    expect((await read(id))?.state).toBe("paused");
    const asked = Promise.withResolvers<void>();
    cloud.onStep = async (step) => {
      if (step !== "resume") return;
      asked.resolve();
      await new Promise(() => undefined);
    };
    void bench.engine.resumeSession(id).catch(() => undefined);
    await asked.promise;
    cloud.onStep = () => undefined;
    await bench.restart();

    expect((await read(id))?.state).toBe("paused");
    expect((await bench.runLine("cat made.txt")).stdout).toBe("made\n");
  });

  it("has an owner on record before its new sandbox exists", async () => {
    const { id } = await runAndPause("true");
    let state: string | undefined;
    cloud.onStep = async (step) => {
      if (step === "create-answer") state = (await read(id))?.state;
    };

    await bench.engine.resumeSession(id);

    expect(state).toBe("creating");
  });

  it("ends when what was paused is gone; the run starts with a new sandbox and says so", async () => {
    const { id } = await runAndPause("true");
    cloud.saved.clear();

    const { run } = await bench.runLine("cat a.txt");

    expect(run.exit).toEqual({ kind: "exited", code: 0 });
    expect(run.sessionId).not.toBe(id);
    expect(run.notes?.join()).toContain("could not be resumed any more, so a new sandbox was started from its last");
    expect((await read(id))?.state).toBe("ended");
  });

  it("goes on from its last snapshot when what was paused is gone, and from the workspace when there is none", async () => {
    await runAndPause("echo made > made.txt");
    cloud.saved.clear();

    const first = await bench.runLine("cat made.txt");
    expect(first.stdout).toBe("made\n");

    await bench.engine.pauseSession(first.run.sessionId ?? "");
    cloud.saved.clear();
    for (const { id } of await bench.engine.listSnapshots()) await bench.engine.deleteSnapshot(id);
    const { run } = await bench.runLine("cat made.txt");
    expect(run.exit).toEqual({ kind: "exited", code: 1 });
    expect(run.notes?.join()).toContain("so a new sandbox was started.");
  });

  it("leaves nothing at its provider when that says that it cannot go on", async () => {
    const { id } = await runAndPause("true");
    cloud.onStep = (step) => {
      if (step === "resume") throw new SandboxError("not-found", "Files are missing.");
    };

    await bench.runLine("true");

    expect((await read(id))?.endReason).toContain("Files are missing.");
    expect(cloud.saved.size).toBe(0);
  });

  it("ends when it is not known any more what it held", async () => {
    const { id } = await runAndPause("true");
    await rm(toSessionFolder(bench.state, id), { recursive: true });

    await expect(bench.engine.resumeSession(id)).rejects.toMatchObject({ code: "not-found" });

    expect((await read(id))?.state).toBe("ended");
    expect(cloud.sandboxes.size).toBe(0);
  });

  it("stays paused when it cannot be resumed now", async () => {
    const { id } = await runAndPause("true");
    cloud.onStep = (step) => {
      if (step === "resume") throw new SandboxError("quota", "Too many.");
    };

    await expect(bench.engine.resumeSession(id)).rejects.toMatchObject({ code: "quota" });

    expect((await read(id))?.state).toBe("paused");
  });

  it("is given up with what is kept of it when it is destroyed", async () => {
    const { id } = await runAndPause("true");

    await bench.engine.destroySession(id);

    expect((await read(id))?.state).toBe("ended");
    expect(cloud.saved.size).toBe(0);
  });

  it("ends when what is kept of it expires, also when an earlier engine paused it", async () => {
    const { id } = await runAndPause("true");
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    expect((await read(id))?.state).toBe("paused");

    clock.advance(61 * 60_000);

    await expect.poll(async () => (await read(id))?.state, { timeout: 10_000 }).toBe("ended");
    expect(cloud.saved.size).toBe(0);
  });

  it("is deleted at its provider when an engine starts after it has expired", async () => {
    const { id } = await runAndPause("true");
    await bench.restart({ clock: new FakeClock(Date.now() + 61 * 60_000) });

    await expect.poll(async () => (await read(id))?.state).toBe("ended");
    expect((await read(id))?.endReason).toBe("Its time was up.");
    expect(cloud.saved.size).toBe(0);
  });

  it("is not forgotten when it cannot be deleted: a later sweep does", async () => {
    const { id } = await runAndPause("true");
    cloud.onStep = (step) => {
      if (step === "delete-saved") throw new SandboxError("unavailable", "Not now.");
    };
    await expect(bench.engine.destroySession(id)).rejects.toThrow("Not now.");
    expect((await read(id))?.state).toBe("destroying");

    cloud.onStep = () => undefined;
    await bench.restart();

    await expect.poll(async () => (await read(id))?.state).toBe("ended");
    expect(cloud.saved.size).toBe(0);
  });

  it("is taken to expire by itself where its provider cannot delete it", async () => {
    const { id } = await runAndPause("true");
    cloud.onStep = (step) => {
      if (step === "delete-saved") throw new SandboxError("invalid", "No such image.");
    };

    await bench.engine.destroySession(id);

    expect((await read(id))?.state).toBe("ended");
  });

  it("survives every sweep while a session needs it, and no longer", async () => {
    const { id } = await runAndPause("echo made > made.txt");
    await bench.restart();
    // Signing in sweeps.
    await bench.engine.setCredential("modal", {});
    expect((await bench.runLine("cat made.txt")).stdout).toBe("made\n");

    const { pausedId = "" } = await bench.engine.pauseSession(id);
    await bench.runLine("true", { target: { ...DEFAULT_TARGET, memoryMiB: 512 } });
    await rm(join(bench.state.ledger, `${id}.json`));
    await bench.restart();

    await expect.poll(() => cloud.saved.has(pausedId)).toBe(false);
  });
});

describe("a session that is in use", () => {
  it("is not paused", async () => {
    const { runId, sessionId } = await bench.startMaking("late.txt");

    await expect(bench.engine.pauseSession(sessionId)).rejects.toMatchObject({ code: "conflict" });

    expect(cloud.sandboxes.size).toBe(1);
    await bench.engine.stopRun(runId, true);
  });

  it("stays as it is when its provider cannot pause it", async () => {
    const { run } = await bench.runLine("true");
    cloud.onStep = (step) => {
      if (step === "pause") throw new SandboxError("unavailable", "Not now.");
    };

    await expect(bench.engine.pauseSession(run.sessionId ?? "")).rejects.toMatchObject({ code: "unavailable" });

    expect((await bench.runLine("true")).run.sessionId).toBe(run.sessionId);
  });
});
