import { chmod, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChangeSetRecord, SnapshotRecord } from "../../../../src/sessions/snapshot-records.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

async function take(maxFileMiB = 100): Promise<SnapshotRecord> {
  const { workspace: workspaceRoot } = bench;
  return await bench.engine.takeSnapshot({ kind: "workspace", workspaceRoot, overlays: [], maxFileMiB });
}

async function restore(snapshotId: string, maxFileMiB = 100): Promise<ChangeSetRecord> {
  return await bench.engine.restoreWorkspace(snapshotId, maxFileMiB);
}

async function changesOf(id: string): Promise<string[]> {
  return (await bench.engine.readChanges(id)).map(({ path, kind, status }) => `${kind} ${path} ${status}`);
}

async function remove(path: string): Promise<void> {
  await rm(join(bench.workspace, path), { recursive: true });
}

async function readLocal(path: string): Promise<string | undefined> {
  return await readFile(join(bench.workspace, path), "utf8").catch(() => undefined);
}

describe("restoring the workspace", () => {
  it("proposes what it takes, writes nothing by itself, and applied brings the snapshot back to the byte", async () => {
    await bench.write("changed.txt", "one");
    await bench.write("gone.txt", "gone");
    await bench.write("tool/run.sh", "true");
    await chmod(join(bench.workspace, "tool/run.sh"), 0o755);
    await symlink("changed.txt", join(bench.workspace, "link"));
    await mkdir(join(bench.workspace, "empty"));
    const snapshot = await take();
    await bench.write("changed.txt", "two");
    await remove("gone.txt");
    await remove("tool");
    await remove("link");
    await remove("empty");
    await bench.write("added.txt", "added");
    await bench.write("link/now-a-folder.txt", "x");

    const changeSet = await restore(snapshot.id);

    expect(changeSet).toMatchObject({
      cause: "restore",
      snapshotId: snapshot.id,
      workspaceRoot: bench.workspace,
      changes: { pending: 7 },
    });
    expect(await bench.engine.listChangeSets()).toEqual([changeSet]);
    expect(await readLocal("changed.txt")).toBe("two");
    await bench.engine.applyChanges(changeSet.id, "all", []);
    expect((await take()).treeHash).toBe(snapshot.treeHash);
  });

  it("keeps the workspace as it was in a snapshot first, so that it can be undone", async () => {
    await bench.write("a.txt", "one");
    const snapshot = await take();
    await bench.write("a.txt", "two");
    await bench.write("b.txt", "b");

    const changeSet = await restore(snapshot.id);
    await bench.engine.applyChanges(changeSet.id, "all", []);

    expect([await readLocal("a.txt"), await readLocal("b.txt")]).toEqual(["one", undefined]);
    const before = (await bench.engine.listSnapshots()).find(({ cause }) => cause === "restore");
    const undo = await restore(before?.id ?? "");
    await bench.engine.applyChanges(undo.id, "all", []);
    expect([await readLocal("a.txt"), await readLocal("b.txt")]).toEqual(["two", "b"]);
  });

  it("has nothing to do when the workspace is as it was", async () => {
    await bench.write("a.txt", "one");
    const snapshot = await take();

    expect(await restore(snapshot.id)).toMatchObject({ changes: { added: 0, modified: 0, deleted: 0, pending: 0 } });
  });

  it("leaves what is edited after the proposal alone", async () => {
    await bench.write("a.txt", "one");
    const snapshot = await take();
    await bench.write("a.txt", "two");
    const changeSet = await restore(snapshot.id);
    await bench.write("a.txt", "three");

    expect(await bench.engine.applyChanges(changeSet.id, "all", [])).toMatchObject({ conflicts: ["a.txt"] });
    expect(await readLocal("a.txt")).toBe("three");
  });

  it("never deletes what is left out today: by a rule, by its name, by its size", async () => {
    await bench.write("a.txt", "one");
    const snapshot = await take();
    await bench.write(".gitignore", "ignored/\n");
    await bench.write("ignored/cache.bin", "x");
    await bench.write(".env", "TOKEN=x");
    await bench.write("large.bin", "x".repeat(2 * 1024 ** 2));

    const changeSet = await restore(snapshot.id, 1);

    expect(await changesOf(changeSet.id)).toEqual(["deleted .gitignore ready"]);
  });

  it("never deletes what was left out when the snapshot was taken, though it would be sent now", async () => {
    await bench.write("a.txt", "one");
    await bench.write(".gitignore", "build/\nnotes.md\n");
    await bench.write("build/out.bin", "x");
    await bench.write("notes.md", "notes");
    await bench.write("large.bin", "x".repeat(2 * 1024 ** 2));
    const snapshot = await take(1);
    await remove(".gitignore");
    await bench.write("build/more.bin", "x");
    await bench.write("new.txt", "new");

    const changeSet = await restore(snapshot.id, 100);

    expect(await changesOf(changeSet.id)).toEqual(["added .gitignore ready", "deleted new.txt ready"]);
  });

  it("never deletes what was left out when the files were sent to a sandbox, also by an engine that has died", async () => {
    await bench.write("a.txt", "one");
    await bench.write(".gitignore", "build/\n");
    await bench.write("build/out.bin", "x");
    const { run } = await bench.runLine("echo made > made.txt");
    await expect.poll(async () => (await bench.engine.listSnapshots())[0]?.cause).toBe("exit");
    await bench.runLine("echo unseen > unseen.txt", { pull: false });
    await bench.restart();
    await bench.engine.destroySession(run.sessionId ?? "");
    await remove(".gitignore");

    const [last] = await bench.engine.listSnapshots();
    expect(last?.cause).toBe("destroy");
    const changeSet = await restore(last?.id ?? "");

    expect(await changesOf(changeSet.id)).toEqual([
      "added .gitignore ready",
      "added made.txt ready",
      "added unseen.txt ready",
    ]);
  });

  it("does not write over a file that is left out today and differs", async () => {
    await bench.write("data.csv", "old");
    const snapshot = await take();
    await bench.write(".gitignore", "data.csv\n");
    await bench.write("data.csv", "new, and in no snapshot");

    const changeSet = await restore(snapshot.id);

    expect(await changesOf(changeSet.id)).toEqual(["deleted .gitignore ready", "added data.csv conflict"]);
    await bench.engine.applyChanges(changeSet.id, "all", []);
    expect(await readLocal("data.csv")).toBe("new, and in no snapshot");
  });

  it("tells which files need a consent of their own, and which were renamed", async () => {
    await bench.write(".vscode/tasks.json", "{}");
    await bench.write("name.txt", "a text that is long enough to be recognized\n".repeat(4));
    const snapshot = await take();
    await bench.write(".vscode/tasks.json", "{ }");
    await remove("name.txt");
    await bench.write("moved.txt", "a text that is long enough to be recognized\n".repeat(4));

    const changeSet = await restore(snapshot.id);

    const changes = await bench.engine.readChanges(changeSet.id);
    expect(changes.map(({ path, isProtected, renamedFrom }) => [path, isProtected, renamedFrom])).toEqual([
      [".vscode/tasks.json", true, undefined],
      ["moved.txt", false, undefined],
      ["name.txt", false, "moved.txt"],
    ]);
    expect(await bench.engine.applyChanges(changeSet.id, "all", [])).toMatchObject({ held: [".vscode/tasks.json"] });
  });

  it("says so when contents of the snapshot are gone, or the snapshot itself", async () => {
    await bench.write("a.txt", "one");
    const snapshot = await take();
    await bench.write("a.txt", "two");
    await rm(bench.state.store, { recursive: true });
    await mkdir(bench.state.store);
    await bench.restart();

    await expect(restore(snapshot.id)).rejects.toMatchObject({ name: "SandboxError" });
    await expect(restore("nope")).rejects.toMatchObject({ code: "not-found" });
    expect(await readLocal("a.txt")).toBe("two");
  });
});
