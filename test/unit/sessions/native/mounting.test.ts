import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { isMarker } from "../../../../src/sessions/native/marker.ts";
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

/** Bytes of the archives that sandboxes were sent since. */
function sentSince(at: number): number {
  return cloud.applied.slice(at).reduce((sum, { tarBytes }) => sum + tarBytes, 0);
}

async function filesOf(sessionId: string): Promise<string[]> {
  return (await readdir(await bench.sandboxOf(sessionId), { recursive: true })).sort();
}

describe("a new sandbox at a provider that keeps workspaces", { timeout: 20_000 }, () => {
  it("starts from what an earlier one left, on another GPU too, and is sent the difference alone", async () => {
    const first = await runAndSave("echo model > model.bin");
    await bench.engine.destroySession(first);
    await bench.write("train.py", "v2, changed");
    const before = cloud.applied.length;

    const { run, stdout } = await bench.runLine("cat train.py; wc -c < data.txt", { target: L4 });

    expect(run.sessionId).not.toBe(first);
    expect(stdout.replace(/\s+/g, " ")).toBe(`v2, changed${DATA.length} `);
    expect(run.sent).toEqual({ fileCount: 1, totalBytes: 11 });
    expect(sentSince(before)).toBeLessThan(10_000);
    expect(run.notes?.join()).toMatch(/^Mounted 1\.0 MiB from Fake's snapshot of \d\d:\d\d; sent 1 file, 11 B\.$/);
  });

  it("holds the workspace and nothing besides: neither what runs left nor what no rule lets through", async () => {
    await bench.write(".gitignore", "cache/\n");
    const first = await runAndSave("mkdir -p cache/deep lib; echo x > cache/deep/x; echo y > lib/y; mkdir empty");
    await bench.engine.destroySession(first);
    await rm(join(bench.workspace, "train.py"));

    const { run, stdout } = await bench.runLine("find . -mindepth 1 | sort", { target: L4 });

    expect(run.notes?.join()).toContain("Mounted");
    expect(stdout).toBe("./.gitignore\n./data.txt\n");
    expect(run.changes).toMatchObject({ added: 0, modified: 0, deleted: 0 });
  });

  it("is restored without anything being sent when it holds just that", async () => {
    const first = await runAndSave("echo model > model.bin");
    const snapshot = await newest(first);
    await bench.engine.destroySession(first);
    const before = cloud.applied.length;

    const session = await bench.engine.restoreSession(snapshot?.id ?? "", L4);

    expect(sentSince(before)).toBe(0);
    expect(await filesOf(session.id)).toEqual(["data.txt", "model.bin", "train.py"]);
    const { run } = await bench.runLine("cat model.bin; echo more >> model.bin", { target: L4 });
    expect(run.sessionId).toBe(session.id);
    expect(run.notes?.join()).toMatch(/^Restored the session: mounted .* sent nothing\.$/);
    expect(run.sent).toEqual({ fileCount: 0, totalBytes: 0 });
    expect((await bench.engine.readChanges(run.id)).map(({ path }) => path)).toEqual(["model.bin"]);
  });

  it("brings back a change to a file that it was not sent", async () => {
    await bench.engine.destroySession(await runAndSave("true"));

    const { run } = await bench.runLine("echo changed > train.py", { target: L4 });

    expect(run.sent?.fileCount).toBe(0);
    const [change] = await bench.engine.readChanges(run.id);
    expect(change).toMatchObject({ path: "train.py", kind: "modified" });
  });

  it("starts from the nearest of several", async () => {
    await bench.engine.destroySession(await runAndSave("true"));
    await bench.write("more.txt", "y".repeat(1024 ** 2));
    await bench.engine.destroySession(await runAndSave("true"));
    await bench.write("data.txt", "smaller");
    await bench.engine.destroySession(await runAndSave("true"));
    await bench.write("data.txt", DATA);
    await bench.write("train.py", "v3");

    const { run } = await bench.runLine("true", { target: L4 });

    expect(run.sent).toEqual({ fileCount: 1, totalBytes: 2 });
  });

  it("is sent everything when what was saved is gone, which is forgotten then", async () => {
    await bench.engine.destroySession(await runAndSave("true"));
    cloud.saved.clear();

    const { run } = await bench.runLine("cat train.py", { target: L4 });

    expect(run).toMatchObject({ exit: { kind: "exited", code: 0 }, sent: { fileCount: 2 } });
    expect(run.notes).toBeUndefined();
    expect(await recordsOnDisk()).not.toContain("H100");
  });

  it("is sent everything when the provider fails to mount", async () => {
    await bench.engine.destroySession(await runAndSave("true"));
    cloud.onStep = (step) => {
      if (step === "mount") throw new SandboxError("unavailable", "Not now.");
    };

    const { run } = await bench.runLine("true", { target: L4 });

    expect(run).toMatchObject({ exit: { kind: "exited", code: 0 }, sent: { fileCount: 2 } });
  });

  it.each([
    { what: "is another workspace's", damage: async (folder: string) => await replaceMarker(folder) },
    { what: "lacks a file", damage: async (folder: string) => await rm(join(folder, "train.py")) },
    {
      what: "has a folder in the place of a file",
      damage: async (folder: string) => {
        await rm(join(folder, "train.py"));
        await mkdir(join(folder, "train.py"));
        await writeFile(join(folder, "train.py", "x"), "x");
      },
    },
  ])("trusts nothing that $what: it is removed, and everything is sent", async ({ damage }) => {
    await bench.engine.destroySession(await runAndSave("true"));
    const [id = ""] = cloud.saved.keys();
    await damage(cloud.folderOf(id));
    await writeFile(join(cloud.folderOf(id), "foreign.txt"), "foreign");

    const { run, stdout } = await bench.runLine("find . -mindepth 1 | sort", { target: L4 });

    expect(run.sent?.fileCount).toBe(2);
    expect(stdout).toBe("./data.txt\n./train.py\n");
    expect(cloud.saved.has(id)).toBe(false);
  });

  it("does not mount what expires in a moment", async () => {
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    await bench.engine.destroySession(await runAndSave("true"));
    clock.advance(7 * DAY_MS - 60_000);

    const { run } = await bench.runLine("true", { target: L4 });

    expect(run.sent?.fileCount).toBe(2);
  });

  it("does not mount what another account saved", async () => {
    await bench.engine.destroySession(await runAndSave("true"));
    cloud.savedStatePlace = "fake/other";

    const { run } = await bench.runLine("true", { target: L4 });

    expect(run.sent?.fileCount).toBe(2);
  });

  it("starts from what an earlier engine had saved", async () => {
    await bench.engine.destroySession(await runAndSave("true"));
    await bench.restart();

    const { run } = await bench.runLine("true", { target: L4 });

    expect(run.sent).toEqual({ fileCount: 0, totalBytes: 0 });
  });

  it("does not get what holds a credential that may no longer be sent, although nothing would be sent", async () => {
    const secret = `token = "ghp_${"a1B2c3D4e5F6g7H8i9J0".repeat(2).slice(0, 36)}"`;
    await bench.write("secret.py", secret);
    const { run: first } = await bench.runLine("true", { target: H100, allowedSecrets: "all" });
    await eventually(() => cloud.saved.size).toBe(1);
    await bench.engine.destroySession(first.sessionId ?? "");
    let mounts = 0;
    cloud.onStep = (step) => void (mounts += step === "mount" ? 1 : 0);

    const { run } = await bench.runLine("true", { target: L4 });

    expect(run.error?.code).toBe("blocked");
    expect(mounts).toBe(0);
  });
});

async function replaceMarker(folder: string): Promise<void> {
  const marker = (await readdir(folder)).find((name) => isMarker(name)) ?? "";
  await rm(join(folder, marker));
  await writeFile(join(folder, `${marker}x`), "");
}

async function recordsOnDisk(): Promise<string> {
  const names = await readdir(bench.state.native);
  const texts = await Promise.all(names.map((name) => readFile(join(bench.state.native, name), "utf8")));
  return texts.join("\n");
}
