import { appendFile, chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Overlay } from "../../../../src/sessions/records.ts";
import type { SnapshotRecord, SnapshotSource } from "../../../../src/sessions/snapshot-records.ts";
import { createObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

function workspaceSource(overlays: readonly Overlay[] = []): SnapshotSource {
  return { kind: "workspace", workspaceRoot: bench.workspace, overlays, maxFileMiB: 100 };
}

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

/** Path -> text of every file of a snapshot, as the store has it. */
async function texts(snapshotId: string): Promise<Record<string, string>> {
  const store = createObjectStore(bench.state.store);
  const found: Record<string, string> = {};
  for (const { path, entry } of await bench.engine.listSnapshotFiles(snapshotId)) {
    if (entry.type !== "file") continue;
    const pieces: Uint8Array[] = [];
    for await (const piece of store.read(entry.sha256)) pieces.push(piece);
    found[path] = Buffer.concat(pieces).toString();
  }
  return found;
}

describe("a workspace's timeline", () => {
  it("has what was pushed and what the run left, with all of their contents", async () => {
    await bench.write("a.txt", "a");
    await bench.write("src/b.txt", "b");

    const { run } = await bench.runLine("echo made > made.txt; echo more >> a.txt");

    const exit = await newest("exit");
    expect(await causes()).toEqual(["exit", "push"]);
    expect(exit).toMatchObject({
      workspaceRoot: bench.workspace,
      sessionId: run.sessionId,
      runId: run.id,
      target: run.target,
      fileCount: 3,
      totalBytes: 12,
      isPinned: false,
    });
    const [, push] = await bench.engine.listSnapshots();
    expect(push).toMatchObject({ treeHash: exit.baseTreeHash, baseTreeHash: exit.baseTreeHash, fileCount: 2 });
    expect(await texts(exit.id)).toEqual({ "a.txt": "amore\n", "made.txt": "made\n", "src/b.txt": "b" });
    expect(await texts(push?.id ?? "")).toEqual({ "a.txt": "a", "src/b.txt": "b" });
  });

  it("does not repeat itself while nothing changes", async () => {
    await bench.write("a.txt", "a");
    const { run } = await bench.runLine("echo made > made.txt");
    await newest("exit");

    await bench.runLine("cat made.txt");
    await bench.engine.destroySession(run.sessionId ?? "");
    await bench.engine.takeSnapshot(workspaceSource());
    await bench.engine.takeSnapshot(workspaceSource());

    expect(await causes()).toEqual(["request", "exit", "push"]);
  });

  it("keeps the order of what happened, however short the run", async () => {
    for (const text of ["one", "two", "three"]) {
      await bench.write("a.txt", text);
      await bench.runLine(`echo ${text} > made.txt`);
    }

    await expect.poll(causes).toEqual(["exit", "push", "exit", "push", "exit", "push"]);
    const created = (await bench.engine.listSnapshots()).map(({ createdAt }) => createdAt);
    expect(created).toEqual([...created].sort().toReversed());
  });

  it("knows the names of environment variables that runs were given, and no value", async () => {
    await bench.write("a.txt", "a");

    const { run } = await bench.runLine("true", { env: { TOKEN: "tell-nobody", ANOTHER: "nor-that" } });

    expect((await newest("push")).envNames).toEqual(["ANOTHER", "TOKEN"]);
    const session = (await bench.engine.listSessions()).find(({ id }) => id === run.sessionId);
    expect(session?.envNames).toEqual(["ANOTHER", "TOKEN"]);
    for (const folder of [bench.state.snapshots, bench.state.ledger])
      for (const name of await readdir(folder, { recursive: true }))
        expect(await readFile(join(folder, name), "utf8").catch(() => "")).not.toMatch(/tell-nobody|nor-that/);
  });

  it("does not hold up a run when it cannot be written", async () => {
    await bench.write("a.txt", "a");
    await rm(bench.state.snapshots, { recursive: true });
    await writeFile(bench.state.snapshots, "in the way");

    const { run, stdout } = await bench.runLine("cat a.txt; echo made > made.txt");

    expect(stdout).toBe("a");
    expect(run).toMatchObject({ exit: { kind: "exited", code: 0 }, changes: { added: 1 } });
    expect(run.error).toBeUndefined();
  });

  it("never claims a state whose contents are gone", async () => {
    await bench.write("a.txt", "a");
    await bench.write("b.txt", "b");
    await bench.runLine("true");
    await newest("push");
    await rm(bench.state.store, { recursive: true });
    await mkdir(bench.state.store);
    await bench.restart();

    const { run } = await bench.runLine("echo made > made.txt");

    expect(run.error).toBeUndefined();
    const session = { kind: "session", sessionId: run.sessionId ?? "" } as const;
    const taken = await bench.engine.takeSnapshot(session, "whole").catch(() => undefined);
    // Brought from the sandbox, or not claimed at all.
    if (taken) expect(await texts(taken.id)).toEqual({ "a.txt": "a", "b.txt": "b", "made.txt": "made\n" });
    for (const { cause, id } of await bench.engine.listSnapshots())
      if (cause === "exit") expect(Object.keys(await texts(id))).toContain("made.txt");
  });
});

describe("a snapshot that was asked for", () => {
  it("has the workspace as it is on screen, links, modes and empty folders too", async () => {
    await bench.write("a.txt", "disk");
    await bench.write("run.sh", "true");
    await chmod(join(bench.workspace, "run.sh"), 0o755);
    await symlink("a.txt", join(bench.workspace, "link"));
    await mkdir(join(bench.workspace, "empty"));

    const source = workspaceSource([{ path: "a.txt", text: "screen" }]);
    const record = await bench.engine.takeSnapshot(source, "before lunch");

    expect(record).toMatchObject({ name: "before lunch", cause: "request", fileCount: 3 });
    expect(await texts(record.id)).toEqual({ "a.txt": "screen", "run.sh": "true" });
    const entries = new Map((await bench.engine.listSnapshotFiles(record.id)).map(({ path, entry }) => [path, entry]));
    expect(entries.get("run.sh")).toMatchObject({ executable: true });
    expect(entries.get("link")).toEqual({ type: "link", target: "a.txt" });
    expect(entries.get("empty")).toEqual({ type: "directory" });
  });

  it("has what a session's sandbox holds now", async () => {
    await bench.write("a.txt", "a");
    const { runId, sessionId } = await bench.startMaking("late.txt");

    const record = await bench.engine.takeSnapshot({ kind: "session", sessionId }, "mine");

    expect(record).toMatchObject({ name: "mine", sessionId, cause: "request" });
    expect(await texts(record.id)).toEqual({ "a.txt": "a", "late.txt": "made\n" });
    await bench.engine.stopRun(runId, true);
  });

  it("says so when there is no such session or its sandbox is gone", async () => {
    const { run } = await bench.runLine("true");
    await bench.engine.destroySession(run.sessionId ?? "");

    const take = (sessionId: string): Promise<SnapshotRecord> =>
      bench.engine.takeSnapshot({ kind: "session", sessionId }, "x");
    await expect(take("nope")).rejects.toMatchObject({ code: "not-found" });
    await expect(take(run.sessionId ?? "")).rejects.toMatchObject({ name: "SandboxError" });
  });

  it("can be named, pinned, and deleted, and everybody hears of it", async () => {
    await bench.write("a.txt", "a");
    const heard: string[] = [];
    const { id } = await bench.engine.takeSnapshot(workspaceSource());
    bench.engine.onDidChange((event) => {
      if (event.type === "snapshot" || event.type === "snapshot-deleted") heard.push(event.type);
    });

    expect(await bench.engine.updateSnapshot(id, { name: "good", isPinned: true })).toMatchObject({
      name: "good",
      isPinned: true,
    });
    expect(await bench.engine.updateSnapshot(id, { name: "" })).not.toHaveProperty("name");
    expect((await bench.engine.listSnapshots())[0]).toMatchObject({ isPinned: true });
    await bench.engine.deleteSnapshot(id);
    await bench.engine.deleteSnapshot(id);

    expect(heard).toEqual(["snapshot", "snapshot", "snapshot-deleted"]);
    expect(await bench.engine.listSnapshots()).toEqual([]);
    expect((await readdir(bench.state.snapshots)).length).toBe(0);
    await expect(bench.engine.updateSnapshot(id, { name: "x" })).rejects.toMatchObject({ code: "not-found" });
    await expect(bench.engine.listSnapshotFiles("../x")).rejects.toMatchObject({ code: "not-found" });
  });

  it("can be compared with another, renamed files told as such", async () => {
    await bench.write("same.txt", "same");
    await bench.write("changed.txt", "one");
    await bench.write("old-name.txt", "what was moved, with enough text to be recognized\n".repeat(4));
    await bench.write("gone.txt", "gone");
    const from = await bench.engine.takeSnapshot(workspaceSource());
    await bench.write("changed.txt", "two");
    await bench.write("new-name.txt", "what was moved, with enough text to be recognized\n".repeat(4));
    await rm(join(bench.workspace, "old-name.txt"));
    await rm(join(bench.workspace, "gone.txt"));
    const to = await bench.engine.takeSnapshot(workspaceSource());

    const changes = await bench.engine.diffSnapshots(from.id, to.id);

    expect(changes.map(({ path, kind, renamedFrom }) => [path, kind, renamedFrom])).toEqual([
      ["changed.txt", "modified", undefined],
      ["gone.txt", "deleted", undefined],
      ["new-name.txt", "added", "old-name.txt"],
      ["old-name.txt", "deleted", undefined],
    ]);
    expect(changes[0]?.before).not.toEqual(changes[0]?.after);
  });

  it("goes to another machine as one file", async () => {
    await bench.write("a.txt", "a");
    await bench.write("src/b.txt", "b");
    const record = await bench.engine.takeSnapshot(workspaceSource(), "to go");
    const file = join(bench.folder, "snapshot.tar.zst");
    await bench.engine.exportSnapshot(record.id, file);
    await expect(bench.engine.exportSnapshot(record.id, file)).rejects.toMatchObject({ code: "conflict" });

    const elsewhere = await EngineBench.create();
    try {
      const imported = await elsewhere.engine.importSnapshot(file, elsewhere.workspace);

      expect(imported).toMatchObject({
        treeHash: record.treeHash,
        cause: "import",
        workspaceRoot: elsewhere.workspace,
        fileCount: 2,
      });
      const files = await elsewhere.engine.listSnapshotFiles(imported.id);
      expect(files).toEqual(await bench.engine.listSnapshotFiles(record.id));
      const changeSet = await elsewhere.engine.restoreWorkspace(imported.id, 100);
      await elsewhere.engine.applyChanges(changeSet.id, "all", []);
      expect(await readFile(join(elsewhere.workspace, "src/b.txt"), "utf8")).toBe("b");
    } finally {
      await elsewhere.dispose();
    }
  });
});

describe("an engine that starts", () => {
  it("has all snapshots of the one before", async () => {
    await bench.write("a.txt", "a");
    await bench.runLine("echo made > made.txt");
    const named = await bench.engine.takeSnapshot(workspaceSource(), "kept");
    await expect.poll(async () => (await causes()).length).toBe(3);
    const before = await bench.engine.listSnapshots();

    await bench.restart();

    expect(await bench.engine.listSnapshots()).toEqual(before);
    expect(await texts(named.id)).toEqual({ "a.txt": "a" });
  });

  it("sets a damaged record aside and leaves one of a newer version alone", async () => {
    await bench.write("a.txt", "a");
    const first = await bench.engine.takeSnapshot(workspaceSource(), "damaged");
    const second = await bench.engine.takeSnapshot(workspaceSource(), "newer");
    const third = await bench.engine.takeSnapshot(workspaceSource(), "fine");
    await appendFile(join(bench.state.snapshots, `${first.id}.json`), "}{");
    const newer = JSON.stringify({ ...second, version: 2 });
    await writeFile(join(bench.state.snapshots, `${second.id}.json`), newer);

    await bench.restart();

    expect((await bench.engine.listSnapshots()).map(({ id }) => id)).toEqual([third.id]);
    expect(await readFile(join(bench.state.snapshots, `${second.id}.json`), "utf8")).toBe(newer);
    expect((await readdir(bench.state.snapshots)).filter((name) => name.includes("damaged")).length).toBe(1);
  });
});
