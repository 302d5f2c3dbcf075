import { chmod, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { SnapshotRecord } from "../../../../src/sessions/snapshot-records.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

/** The newest snapshot, once it is of that cause and after which another of that cause is not waited for. */
async function newest(cause: string): Promise<SnapshotRecord> {
  await expect.poll(async () => (await bench.engine.listSnapshots())[0]?.cause).toBe(cause);
  const [record] = await bench.engine.listSnapshots();
  if (!record) throw new Error("There is none.");
  return record;
}

/** Runs a line that leaves something; resolves with the snapshot of that. */
async function leave(line: string): Promise<{ snapshot: SnapshotRecord; sessionId: string }> {
  const { run } = await bench.runLine(line);
  await expect.poll(async () => (await bench.engine.listSnapshots())[0]?.runId).toBe(run.id);
  await expect.poll(async () => (await bench.engine.listSnapshots())[0]?.cause).toBe("exit");
  return { snapshot: await newest("exit"), sessionId: run.sessionId ?? "" };
}

async function sandboxOf(sessionId: string): Promise<string> {
  const session = (await bench.engine.listSessions()).find(({ id }) => id === sessionId);
  return join(bench.provider.root, session?.sandboxId ?? "-", "workspace");
}

async function readIn(sessionId: string, path: string): Promise<string | undefined> {
  return await readFile(join(await sandboxOf(sessionId), path), "utf8").catch(() => undefined);
}

describe("a session that is restored", () => {
  it("goes on as if its sandbox had never ended, with what has changed in the workspace since", async () => {
    await bench.write("a.txt", "a1");
    await bench.write("b.txt", "b");
    const { snapshot, sessionId } = await leave("echo made > made.txt; echo theirs > b.txt");
    await bench.engine.destroySession(sessionId);
    await bench.write("a.txt", "a2");
    await bench.write("new.txt", "new");

    const session = await bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET);

    expect(session).toMatchObject({ state: "ready", restoredFrom: snapshot.id, workspaceRoot: bench.workspace });
    expect(session.id).not.toBe(sessionId);
    expect([await readIn(session.id, "a.txt"), await readIn(session.id, "made.txt")]).toEqual(["a1", "made\n"]);
    const { run, stdout } = await bench.runLine("cat a.txt b.txt made.txt new.txt");
    expect(run.sessionId).toBe(session.id);
    expect(stdout).toBe("a2theirs\nmade\nnew");
    expect(run.changes).toMatchObject({ added: 0, modified: 0, deleted: 0 });
  });

  it("holds the snapshot to the byte, mode and link", async () => {
    await bench.write("a.txt", "a");
    await bench.write("ü/日本 \n.txt", "odd");
    await bench.write("run.sh", "true");
    await chmod(join(bench.workspace, "run.sh"), 0o755);
    await symlink("a.txt", join(bench.workspace, "link"));
    await mkdir(join(bench.workspace, "empty"));
    await bench.write("large.bin", "x".repeat(3 * 1024 ** 2));
    const { snapshot, sessionId } = await leave("mkdir made; ln -s ../a.txt made/up; echo x > made/x; chmod +x made/x");
    await bench.engine.destroySession(sessionId);

    const session = await bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET);

    // The next look at the sandbox, of everything in it.
    await bench.runLine("find . -exec touch -h {} +");
    const again = await bench.engine.takeSnapshot({ kind: "session", sessionId: session.id }, "again");
    expect(again.treeHash).toBe(snapshot.treeHash);
  });

  it("brings the names of environment variables back", async () => {
    await bench.write("a.txt", "a");
    const { run } = await bench.runLine("echo made > made.txt", { env: { TOKEN: "secret" } });
    const snapshot = await newest("exit");
    await bench.engine.destroySession(run.sessionId ?? "");

    const session = await bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET);

    expect(session.envNames).toEqual(["TOKEN"]);
  });

  it("can be one that is there, whose files are kept first and then replaced by sending what differs", async () => {
    await bench.write("a.txt", "a");
    await bench.write("b.txt", "b");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    const { snapshot: later } = await leave("rm b.txt; mkdir made; rm made.txt; echo two > made/made.txt");
    expect(later.treeHash).not.toBe(snapshot.treeHash);
    bench.provider.applied.length = 0;

    const session = await bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET, sessionId);

    expect(session).toMatchObject({ id: sessionId, restoredFrom: snapshot.id, state: "ready" });
    expect(await readIn(sessionId, "made.txt")).toBe("one\n");
    expect(await readIn(sessionId, "b.txt")).toBe("b");
    expect(await readIn(sessionId, "made/made.txt")).toBeUndefined();
    expect(bench.provider.applied.length).toBe(1);
    expect(bench.provider.createdSpecs.length).toBe(1);
    const trees = (await bench.engine.listSnapshots()).map(({ treeHash }) => treeHash);
    expect(trees).toContain(later.treeHash);
  });

  it("has what nobody had looked at kept before its files are replaced", async () => {
    await bench.write("a.txt", "a");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    await bench.runLine("echo unseen > unseen.txt", { pull: false });

    await bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET, sessionId);

    expect(await readIn(sessionId, "unseen.txt")).toBeUndefined();
    const [kept] = await bench.engine.listSnapshots();
    const paths = (await bench.engine.listSnapshotFiles(kept?.id ?? "")).map(({ path }) => path);
    expect(paths).toEqual(["a.txt", "made.txt", "unseen.txt"]);
  });

  it("is the one that the next run uses, though a newer one is there", async () => {
    await bench.write("a.txt", "a");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    await bench.engine.startSession(bench.workspace, DEFAULT_TARGET);

    await bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET, sessionId);

    expect((await bench.runLine("cat made.txt")).run.sessionId).toBe(sessionId);
  });

  it("is left alone while a run uses it", async () => {
    await bench.write("a.txt", "a");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    const { id } = await bench.engine.startRun(
      bench.toRequest({ kind: "line", line: "echo two > made.txt; sleep 60" }),
    );
    await bench.waitFor(id, ({ state }) => state === "running");

    await expect(bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET, sessionId)).rejects.toMatchObject({
      code: "conflict",
    });

    await bench.engine.stopRun(id, true);
  });

  it("is none of another workspace, and none that has ended", async () => {
    await bench.write("a.txt", "a");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    const other = join(bench.folder, "other");
    await mkdir(other);
    const elsewhere = await bench.engine.startSession(other, DEFAULT_TARGET);
    await bench.engine.destroySession(sessionId);

    const restore = (id: string): Promise<unknown> => bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET, id);
    await expect(restore(elsewhere.id)).rejects.toMatchObject({ code: "invalid" });
    await expect(restore(sessionId)).rejects.toMatchObject({ name: "SandboxError" });
    await expect(restore("nope")).rejects.toMatchObject({ code: "not-found" });
    await expect(bench.engine.restoreSession("nope", DEFAULT_TARGET)).rejects.toMatchObject({ code: "not-found" });
  });

  it("leaves nothing behind when its files cannot be brought in", async () => {
    await bench.write("a.txt", "a");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    await bench.engine.destroySession(sessionId);
    bench.provider.onStep = (step) => {
      if (step === "apply") throw new SandboxError("unavailable", "The disk is full.");
    };

    await expect(bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET)).rejects.toThrow("The disk is full.");

    expect(bench.provider.sandboxes.size).toBe(0);
    expect((await bench.engine.listSessions()).map(({ state }) => state)).toEqual(["ended", "ended"]);
  });

  it("is not begun when contents of the snapshot are gone", async () => {
    await bench.write("a.txt", "a");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    await bench.engine.destroySession(sessionId);
    await rm(bench.state.store, { recursive: true });
    await mkdir(bench.state.store);
    await bench.restart();

    await expect(bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET)).rejects.toMatchObject({
      name: "SandboxError",
    });

    expect(bench.provider.sandboxes.size).toBe(0);
  });

  it("is nobody's to run in before it has its files", async () => {
    await bench.write("a.txt", "a");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    await bench.engine.destroySession(sessionId);
    const filling = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    let applies = 0;
    bench.provider.onStep = async (step) => {
      if (step !== "apply" || ++applies > 1) return;
      filling.resolve();
      await go.promise;
    };
    const restoring = bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET);
    await filling.promise;

    const running = bench.runLine("ls; cat made.txt 2>/dev/null; true");
    const listed = (await bench.engine.listSessions()).filter(({ state }) => state === "ready");
    go.resolve();
    const [session, { run, stdout }] = await Promise.all([restoring, running]);

    expect(listed.every(({ id }) => id !== session.id)).toBe(true);
    expect(stdout).toBe(run.sessionId === session.id ? "a.txt\nmade.txt\none\n" : "a.txt\n");
  });

  it("is found again after the engine has died, with what is known of it", async () => {
    await bench.write("a.txt", "a");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    await bench.engine.destroySession(sessionId);
    const session = await bench.engine.restoreSession(snapshot.id, DEFAULT_TARGET);

    await bench.restart();

    const { run, stdout } = await bench.runLine("cat made.txt");
    expect([run.sessionId, stdout]).toEqual([session.id, "one\n"]);
    expect(run.changes).toMatchObject({ added: 0, pending: 0 });
  });
});

describe("a session that is forked", () => {
  it("has a second one that goes on from what the first one holds, each by itself", async () => {
    await bench.write("a.txt", "a");
    const { sessionId } = await leave("echo one > made.txt");
    await bench.runLine("echo unseen > unseen.txt", { pull: false });

    const fork = await bench.engine.forkSession(sessionId);

    expect(fork.id).not.toBe(sessionId);
    expect(fork).toMatchObject({ state: "ready", target: DEFAULT_TARGET });
    expect(await readIn(fork.id, "made.txt")).toBe("one\n");
    expect(await readIn(fork.id, "unseen.txt")).toBe("unseen\n");
    const { run } = await bench.runLine("echo two > made.txt; echo b > b.txt");
    expect(run.sessionId).toBe(fork.id);
    expect([await readIn(fork.id, "made.txt"), await readIn(sessionId, "made.txt")]).toEqual(["two\n", "one\n"]);
    expect(await readIn(sessionId, "b.txt")).toBeUndefined();
  });

  it("can be forked to another target", async () => {
    await bench.write("a.txt", "a");
    const { sessionId } = await leave("echo one > made.txt");
    const target = { ...DEFAULT_TARGET, memoryMiB: 512 };

    const fork = await bench.engine.forkSession(sessionId, target);

    expect(fork.target).toEqual(target);
    expect((await bench.runLine("cat made.txt", { target })).run.sessionId).toBe(fork.id);
  });
});

describe("a run of a snapshot", () => {
  it("has the snapshot's files and nothing of the workspace, in a sandbox of its own", async () => {
    await bench.write("a.txt", "old");
    const { snapshot, sessionId } = await leave("echo one > made.txt");
    await bench.write("a.txt", "new");
    await bench.write("b.txt", "b");

    const { run, stdout } = await bench.runLine("ls; cat a.txt", { snapshotId: snapshot.id });

    expect(stdout).toBe("a.txt\nmade.txt\nold");
    expect(run.sessionId).not.toBe(sessionId);
    expect(run.changes).toMatchObject({ added: 0, modified: 0, deleted: 0 });
    await expect.poll(() => bench.provider.sandboxes.size).toBe(1);
    expect((await bench.runLine("cat a.txt")).run.sessionId).toBe(sessionId);
  });

  it("runs a file that only the snapshot has", async () => {
    await bench.write("gone.sh", "echo from the past $1");
    const { snapshot } = await leave("echo one > made.txt");
    await rm(join(bench.workspace, "gone.sh"));

    const command = { kind: "file", path: "gone.sh", args: ["now"] } as const;
    const { run, stdout } = await bench.run(bench.toRequest(command, { snapshotId: snapshot.id }));

    expect(run.error).toBeUndefined();
    expect(stdout).toBe("from the past now\n");
  });

  it("does not run a file that the snapshot lacks", async () => {
    const { snapshot } = await leave("echo one > made.txt");
    await bench.write("new.sh", "echo new");

    const command = { kind: "file", path: "new.sh", args: [] } as const;
    const { run } = await bench.run(bench.toRequest(command, { snapshotId: snapshot.id }));

    expect(run.error).toMatchObject({ code: "invalid" });
    await expect.poll(() => bench.provider.sandboxes.size).toBe(1);
  });

  it("tells its changes against the snapshot; where the workspace has moved on they are conflicts", async () => {
    await bench.write("a.txt", "old");
    await bench.write("b.txt", "b");
    const { snapshot } = await leave("echo one > made.txt");
    await bench.write("a.txt", "new");

    const { run } = await bench.runLine("echo theirs > a.txt; echo theirs > b.txt", { snapshotId: snapshot.id });

    expect(run.changes).toMatchObject({ modified: 2, pending: 2 });
    expect(await bench.engine.applyChanges(run.id, "all", [])).toMatchObject({
      applied: ["b.txt"],
      conflicts: ["a.txt"],
    });
  });

  it("ends its sandbox when it is stopped, and is told of a snapshot that is not there", async () => {
    const { snapshot } = await leave("echo one > made.txt");
    const { id } = await bench.engine.startRun(
      bench.toRequest({ kind: "line", line: "sleep 60" }, { snapshotId: snapshot.id }),
    );
    await bench.waitFor(id, ({ state }) => state === "running");
    await bench.engine.stopRun(id, true);
    await expect.poll(() => bench.provider.sandboxes.size).toBe(1);

    const failed = await bench
      .runLine("true", { snapshotId: "nope" })
      .then(({ run }) => run.error?.code)
      .catch((error: unknown) => (error instanceof SandboxError ? error.code : error));
    expect(failed).toBe("not-found");
  });
});
