import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EngineBench } from "../../fakes/engine-bench.ts";

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

describe("a run", () => {
  it("runs a file of the workspace and keeps its output and its exit code", async () => {
    await bench.write("hello.sh", "echo out; echo err >&2; exit 3\n");

    const { run, stdout, stderr } = await bench.run(bench.toRequest({ kind: "file", path: "hello.sh", args: [] }));

    expect(run).toMatchObject({ state: "ended", exit: { kind: "exited", code: 3 }, title: "hello.sh" });
    expect([stdout, stderr]).toEqual(["out\n", "err\n"]);
    expect(run.error).toBeUndefined();
  });

  it("brings back what it changed, and applies it", async () => {
    await bench.write("a.txt", "one");
    await bench.write("old.txt", "gone soon");

    const { run } = await bench.runLine("echo two > a.txt; mkdir -p out; echo new > out/b.txt; rm old.txt");
    const changes = await bench.engine.readChanges(run.id);
    const result = await bench.engine.applyChanges(run.id, "all", []);

    expect(changes.map(({ path, kind, status }) => [path, kind, status])).toEqual([
      ["a.txt", "modified", "ready"],
      ["old.txt", "deleted", "ready"],
      ["out/b.txt", "added", "ready"],
    ]);
    expect(run.changes).toEqual({ added: 1, modified: 1, deleted: 1, pending: 3 });
    expect(result).toEqual({ applied: ["a.txt", "old.txt", "out/b.txt"], conflicts: [], held: [] });
    expect(await readFile(join(bench.workspace, "a.txt"), "utf8")).toBe("two\n");
    expect(await readFile(join(bench.workspace, "out/b.txt"), "utf8")).toBe("new\n");
    await expect(readFile(join(bench.workspace, "old.txt"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
