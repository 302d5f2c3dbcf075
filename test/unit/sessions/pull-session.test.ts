import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunRecord } from "../../../src/sessions/records.ts";
import { EngineBench } from "../../fakes/engine-bench.ts";

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

function readLocal(path: string): Promise<string> {
  return readFile(join(bench.workspace, path), "utf8");
}

async function list(id: string): Promise<string[]> {
  const changes = await bench.engine.readChanges(id);
  return changes.map(({ path, kind, decision }) => `${kind} ${path} ${decision}`);
}

async function pendingOf(runId: string): Promise<number | undefined> {
  return (await bench.engine.listRuns()).find(({ id }) => id === runId)?.changes?.pending;
}

function sessionOf({ sessionId }: RunRecord): string {
  if (sessionId === undefined) throw new Error("The run has no session.");
  return sessionId;
}

describe("pulling a session", () => {
  it("offers what runs left that nobody looked at, and what they offer still", async () => {
    await bench.write("a.txt", "sent");
    await bench.write("gone.txt", "sent");
    await bench.write("package.json", "{}");
    const { run } = await bench.runLine("echo theirs > a.txt");
    await bench.runLine(`rm gone.txt; echo x > new.txt; echo '{"scripts":{"test":"x"}}' > package.json`, {
      pull: false,
    });

    const set = await bench.engine.pullSession(sessionOf(run));

    expect(set).toMatchObject({ cause: "pull", sessionId: run.sessionId, workspaceRoot: bench.workspace });
    expect(set.title).toBe("Session workspace: changes not yet decided");
    expect(set.changes).toEqual({ added: 1, modified: 2, deleted: 1, pending: 4 });
    expect(await list(set.id)).toEqual([
      "modified a.txt pending",
      "deleted gone.txt pending",
      "added new.txt pending",
      "modified package.json pending",
    ]);
    expect((await bench.engine.listChangeSets()).map(({ id }) => id)).toEqual([set.id]);
    const result = await bench.engine.applyChanges(set.id, "all", []);
    expect(result).toMatchObject({ applied: ["a.txt", "gone.txt", "new.txt"], held: ["package.json"] });
    expect(await readLocal("a.txt")).toBe("theirs\n");
  });

  it("decides what a run offers too for both", async () => {
    await bench.write("a.txt", "sent");
    const { run } = await bench.runLine("echo theirs > a.txt; echo x > b.txt");
    const set = await bench.engine.pullSession(sessionOf(run));

    await bench.engine.applyChanges(set.id, ["a.txt"], []);
    await bench.engine.discardChanges(run.id, ["b.txt"]);

    expect(await list(run.id)).toEqual(["modified a.txt applied", "added b.txt discarded"]);
    expect(await list(set.id)).toEqual(["modified a.txt applied", "added b.txt discarded"]);
    expect(await pendingOf(run.id)).toBe(0);
  });

  it("offers nothing that was decided, until the sandbox has something else", async () => {
    await bench.write("a.txt", "sent");
    await bench.write("gone.txt", "sent");
    const { run } = await bench.runLine("echo theirs > a.txt; echo x > b.txt; rm gone.txt");
    await bench.engine.applyChanges(run.id, ["a.txt", "gone.txt"], []);
    await bench.engine.discardChanges(run.id, ["b.txt"]);
    await bench.write("a.txt", "edited after it was applied");
    await bench.write("gone.txt", "back again");

    const nothing = await bench.engine.pullSession(sessionOf(run));
    await bench.runLine("echo again > a.txt; rm gone.txt", { pull: false });
    const again = await bench.engine.pullSession(sessionOf(run));

    expect(nothing.changes.pending).toBe(0);
    expect(await list(again.id)).toEqual(["modified a.txt pending", "deleted gone.txt pending"]);
  });

  it("takes over what an earlier pull left undecided", async () => {
    await bench.write("a.txt", "sent");
    const { run } = await bench.runLine("echo theirs > a.txt; echo x > b.txt; echo x > c.txt", { pull: false });
    const first = await bench.engine.pullSession(sessionOf(run));
    await bench.engine.applyChanges(first.id, ["b.txt"], []);

    const second = await bench.engine.pullSession(sessionOf(run));

    expect(await list(first.id)).toEqual(["added b.txt applied"]);
    expect(await list(second.id)).toEqual(["modified a.txt pending", "added c.txt pending"]);
    const pending = (await bench.engine.listChangeSets()).map(({ changes }) => changes.pending);
    expect(pending).toEqual([2, 0]);
  });

  it("gives the sandbox the workspace's version again of what is discarded", async () => {
    await bench.write("a.txt", "sent");
    const { run } = await bench.runLine("echo theirs > a.txt; echo x > b.txt", { pull: false });
    const set = await bench.engine.pullSession(sessionOf(run));

    await bench.engine.discardChanges(set.id, "all");
    const next = await bench.runLine("cat a.txt; ls");

    expect(next.stdout).toBe("senta.txt\n");
    expect(await readLocal("a.txt")).toBe("sent");
  });

  it("wakes a session of an earlier engine, and its decisions outlive that one", async () => {
    const { run } = await bench.runLine("echo x > a.txt; echo y > b.txt", { pull: false });
    await bench.restart();

    const set = await bench.engine.pullSession(sessionOf(run));
    await bench.engine.discardChanges(set.id, ["b.txt"]);
    await bench.restart();

    expect(await list(set.id)).toEqual(["added a.txt pending", "added b.txt discarded"]);
    expect((await bench.engine.applyChanges(set.id, "all", [])).applied).toEqual(["a.txt"]);
  });

  it("tells every door of the set and of each decision", async () => {
    const { run } = await bench.runLine("echo x > a.txt", { pull: false });
    const counts: number[] = [];
    bench.engine.onDidChange((event) => {
      if (event.type === "change-set") counts.push(event.changeSet.changes.pending);
    });

    const set = await bench.engine.pullSession(sessionOf(run));
    await bench.engine.applyChanges(set.id, "all", []);

    expect(counts).toEqual([1, 0]);
  });

  it("says what to do about a session that has ended, and about one that there is not", async () => {
    const { run } = await bench.runLine("echo x > a.txt");
    await bench.engine.destroySession(sessionOf(run));

    await expect(bench.engine.pullSession(sessionOf(run))).rejects.toMatchObject({ code: "not-found" });
    await expect(bench.engine.pullSession(sessionOf(run))).rejects.toThrow("Restore");
    await expect(bench.engine.pullSession("nope")).rejects.toMatchObject({ code: "not-found" });
  });

  it("takes a workspace that is not there for no deletion of everything", async () => {
    await bench.write("a.txt", "sent");
    const { run } = await bench.runLine("rm a.txt", { pull: false });
    await rename(bench.workspace, `${bench.workspace}-away`);

    await expect(bench.engine.pullSession(sessionOf(run))).rejects.toMatchObject({ code: "unavailable" });

    await rename(`${bench.workspace}-away`, bench.workspace);
    expect(await list((await bench.engine.pullSession(sessionOf(run))).id)).toEqual(["deleted a.txt pending"]);
  });
});
