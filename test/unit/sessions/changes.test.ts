import { chmod, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { comparePaths } from "../../../src/core/workspace-path.ts";
import { reviewChanges } from "../../../src/sessions/changes.ts";
import type { Change } from "../../../src/sessions/records.ts";
import type { Entry } from "../../../src/snapshots/manifest.ts";
import { createObjectStore, type ObjectStore } from "../../../src/snapshots/store/object-store.ts";
import { toSha256 } from "../../../src/snapshots/regular-file.ts";
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

describe("changes", () => {
  it("that cannot come back are told of once, not at every run that finds them still there", async () => {
    const first = await bench.runLine("ln -s /etc/passwd out");
    const second = await bench.runLine("true");

    expect(first.run.notes).toEqual([expect.stringMatching(/^out was not brought back: /)]);
    expect(second.run.notes).toBeUndefined();
  });

  it("come back and are applied", async () => {
    await bench.write("a.txt", "one");
    await bench.write("old.txt", "gone soon");

    const { run } = await bench.runLine(
      "echo two > a.txt; mkdir -p out; echo new > out/b.txt; ln -s b.txt out/link; rm old.txt",
    );
    const changes = await bench.engine.readChanges(run.id);
    const result = await bench.engine.applyChanges(run.id, "all", []);

    expect(changes.map(({ path, kind, status }) => `${kind} ${path} ${status}`)).toEqual([
      "modified a.txt ready",
      "deleted old.txt ready",
      "added out/b.txt ready",
      "added out/link ready",
    ]);
    expect(run.changes).toEqual({ added: 2, modified: 1, deleted: 1, pending: 4 });
    expect(result).toEqual({
      applied: ["a.txt", "old.txt", "out/b.txt", "out/link"],
      merged: [],
      conflicts: [],
      held: [],
    });
    expect([await readLocal("a.txt"), await readLocal("out/link")]).toEqual(["two\n", "new\n"]);
    await expect(readLocal("old.txt")).rejects.toMatchObject({ code: "ENOENT" });
    expect((await bench.engine.listRuns())[0]?.changes?.pending).toBe(0);
  });

  it("belong to the run that made them, and survive to the next", async () => {
    await bench.runLine("echo 1 > made.txt");
    const second = await bench.runLine("cat made.txt");
    const third = await bench.runLine("echo 2 >> made.txt");

    expect(second.stdout).toBe("1\n");
    expect(second.run.changes).toMatchObject({ pending: 0 });
    expect(third.run.changes).toMatchObject({ added: 1 });
  });

  it("that meet an edit made meanwhile are a conflict, which is left alone until it is asked for", async () => {
    await bench.write("a.txt", "sent");
    const { run } = await bench.runLine("echo theirs > a.txt");
    await bench.write("a.txt", "ours");

    const first = await bench.engine.applyChanges(run.id, "all", []);
    const kept = await readLocal("a.txt");
    const second = await bench.engine.applyChanges(run.id, ["a.txt"], ["a.txt"]);

    expect([first.conflicts, kept]).toEqual([["a.txt"], "ours"]);
    expect([second.applied, await readLocal("a.txt")]).toEqual([["a.txt"], "theirs\n"]);
  });

  it("of files that tools act on are held until they are named", async () => {
    const { run } = await bench.runLine("mkdir .vscode; echo '{}' > .vscode/tasks.json; echo ok > plain.txt");

    const all = await bench.engine.applyChanges(run.id, "all", []);
    const named = await bench.engine.applyChanges(run.id, [".vscode/tasks.json"], []);

    expect(all).toEqual({ applied: ["plain.txt"], merged: [], conflicts: [], held: [".vscode/tasks.json"] });
    expect(named.applied).toEqual([".vscode/tasks.json"]);
  });

  it("that are discarded leave the workspace alone, and the sandbox gets its version back", async () => {
    await bench.write("a.txt", "sent");
    const { run } = await bench.runLine("echo theirs > a.txt; echo new > b.txt");

    await bench.engine.discardChanges(run.id, "all");
    const next = await bench.runLine("cat a.txt; ls");

    expect(await readLocal("a.txt")).toBe("sent");
    expect(next.stdout).toBe("senta.txt\n");
    expect(next.run.changes).toMatchObject({ pending: 0 });
  });

  it("do not include what ignore rules leave out", async () => {
    await bench.write(".gitignore", "*.log\ncache/\n");

    const { run } = await bench.runLine("echo x > a.log; mkdir cache empty; echo x > cache/f; echo x > kept");

    expect((await bench.engine.readChanges(run.id)).map(({ path }) => path)).toEqual(["empty", "kept"]);
  });

  it("are left behind when nobody wants them", async () => {
    const { run } = await bench.runLine("echo x > a", { pull: false });

    expect(run.changes).toBeUndefined();
    expect(await bench.engine.readChanges(run.id)).toEqual([]);
  });

  it("of two runs that overlap are told of by the one that made them, whichever ends first", async () => {
    await bench.write("shared.txt", "sent");
    const slow = await bench.engine.startRun(
      bench.toRequest({ kind: "line", line: "echo slow > shared.txt; read line; echo x > slow.txt" }),
    );
    await bench.waitFor(slow.id, ({ state }) => state === "running");
    await expect.poll(() => bench.runLine("cat shared.txt").then(({ stdout }) => stdout)).toBe("slow\n");

    await bench.write("edited.txt", "a push in between");
    await bench.runLine("cat edited.txt");
    await bench.engine.writeInput(slow.id, Buffer.from("go\n"));
    const { run } = await bench.finish(slow.id);

    expect((await bench.engine.readChanges(run.id)).map(({ path }) => path)).toEqual(["shared.txt", "slow.txt"]);
  });

  it("of a file that was deleted here while it ran are a conflict", async () => {
    await bench.write("a.txt", "sent");
    const { run } = await bench.runLine("echo theirs > a.txt");
    await rm(join(bench.workspace, "a.txt"));

    expect((await bench.engine.applyChanges(run.id, "all", [])).conflicts).toEqual(["a.txt"]);
  });

  it("never go through a link that stands in the workspace", async () => {
    const { run } = await bench.runLine("mkdir out; echo theirs > out/f");
    await writeFile(join(bench.folder, "f"), "outside");
    await symlink(bench.folder, join(bench.workspace, "out"));

    const result = await bench.engine.applyChanges(run.id, "all", []).catch((error: unknown) => error);

    expect(await readFile(join(bench.folder, "f"), "utf8")).toBe("outside");
    expect(result).not.toMatchObject({ applied: ["out/f"] });
  });

  it("cannot be asked for by a path that the run did not change", async () => {
    const { run } = await bench.runLine("true");

    await expect(bench.engine.applyChanges(run.id, ["nope"], [])).rejects.toMatchObject({ code: "invalid" });
  });
});

describe("changes to a text that was edited here meanwhile", () => {
  const lines = Array.from({ length: 60 }, (_, index) => `line ${index + 1}\n`);

  it("are merged with the edit when they are in other lines, and nothing is lost", async () => {
    await bench.write("a.txt", lines.join(""));
    const { run } = await bench.runLine("sed -i 's/^line 1$/theirs/' a.txt; chmod +x a.txt");
    await bench.write("a.txt", lines.with(49, "mine\n").join(""));

    const [change] = await bench.engine.readChanges(run.id);
    const result = await bench.engine.applyChanges(run.id, "all", []);
    const next = await bench.runLine("cat a.txt");

    const both = lines.with(0, "theirs\n").with(49, "mine\n").join("");
    expect([change?.status, change?.merged?.sizeBytes]).toEqual(["merge", both.length]);
    expect(result).toEqual({ applied: ["a.txt"], merged: ["a.txt"], conflicts: [], held: [] });
    expect(await readLocal("a.txt")).toBe(both);
    expect((await stat(join(bench.workspace, "a.txt"))).mode & 0o111).not.toBe(0);
    expect([next.stdout, next.run.changes?.pending]).toEqual([both, 0]);
  });

  it("are a conflict when they are in the same lines", async () => {
    await bench.write("a.txt", lines.join(""));
    const { run } = await bench.runLine("sed -i 's/^line 50$/theirs/' a.txt");
    await bench.write("a.txt", lines.with(49, "mine\n").join(""));

    const [change] = await bench.engine.readChanges(run.id);
    const left = await bench.engine.applyChanges(run.id, ["a.txt"], []);
    const kept = await readLocal("a.txt");
    const overwritten = await bench.engine.applyChanges(run.id, ["a.txt"], ["a.txt"]);

    expect(change?.status).toBe("conflict");
    expect([left.conflicts, kept]).toEqual([["a.txt"], lines.with(49, "mine\n").join("")]);
    expect([overwritten.applied, overwritten.merged]).toEqual([["a.txt"], []]);
    expect(await readLocal("a.txt")).toBe(lines.with(49, "theirs\n").join(""));
  });

  it("give way to nothing when the edit has them already", async () => {
    await bench.write("a.txt", lines.join(""));
    const { run } = await bench.runLine("sed -i 's/^line 1$/theirs/' a.txt");
    const both = lines.with(0, "theirs\n").with(49, "mine\n").join("");
    await bench.write("a.txt", both);

    const [change] = await bench.engine.readChanges(run.id);
    const result = await bench.engine.applyChanges(run.id, "all", []);

    expect([change?.status, result.applied, result.merged]).toEqual(["same", ["a.txt"], []]);
    expect(await readLocal("a.txt")).toBe(both);
  });

  it("are a conflict when it is no text", async () => {
    await bench.write("a.bin", `\0${lines.join("")}`);
    const { run } = await bench.runLine("sed -i 's/^line 10$/theirs/' a.bin");
    await bench.write("a.bin", `\0${lines.with(49, "mine\n").join("")}`);

    expect((await bench.engine.readChanges(run.id)).map(({ status }) => status)).toEqual(["conflict"]);
  });

  it("keep the right to run it that was given here", async () => {
    await bench.write("a.sh", "one\n");
    const { run } = await bench.runLine("echo two > a.sh");
    await chmod(join(bench.workspace, "a.sh"), 0o755);

    const [change] = await bench.engine.readChanges(run.id);
    await bench.engine.applyChanges(run.id, "all", []);

    expect([change?.status, await readLocal("a.sh")]).toEqual(["merge", "two\n"]);
    expect((await stat(join(bench.workspace, "a.sh"))).mode & 0o111).not.toBe(0);
  });
});

function toFile(text: string): Entry {
  return { type: "file", sha256: toSha256(text), sizeBytes: text.length, executable: false };
}

describe("reviewing", () => {
  it("reads no kept contents of changes that are in nobody's way, however many there are", async () => {
    const reads: string[] = [];
    const store: ObjectStore = {
      ...createObjectStore(join(bench.folder, "store")),
      async *read(sha256) {
        reads.push(sha256);
        yield Buffer.from(sha256 === toSha256("sent") ? "sent" : "theirs");
      },
    };
    const names = Array.from({ length: 200 }, (_, index) => `d${index % 7}/${index}`);
    for (const name of names) await bench.write(name, "sent");
    const changes = names.map((path): Change => {
      const sides = { base: toFile("sent"), theirs: toFile("theirs") };
      return { path, kind: "modified", decision: "pending", isProtected: false, ...sides };
    });
    await bench.write("d0/0", "edited here");

    const reviewed = await reviewChanges(bench.workspace, changes, store);

    expect(reviewed.map(({ path }) => path)).toEqual(names.toSorted(comparePaths));
    expect(reviewed.filter(({ status }) => status !== "ready").map(({ path, status }) => [path, status])).toEqual([
      ["d0/0", "conflict"],
    ]);
    expect(new Set(reads)).toEqual(new Set([toSha256("sent"), toSha256("theirs")]));
  });
});

describe("deleting many files", () => {
  it("takes the folders along that it leaves empty, and no other", async () => {
    for (const path of ["a/b/1", "a/b/2", "a/c/3", "kept/4", "kept/5", "6"]) await bench.write(path, "x");
    const { run } = await bench.runLine("rm -r a kept/4 6");
    await rm(join(bench.workspace, "6"));

    const result = await bench.engine.applyChanges(run.id, "all", []);

    expect(result.applied).toEqual(["6", "a/b/1", "a/b/2", "a/c/3", "kept/4"]);
    expect((await readdir(bench.workspace, { recursive: true })).toSorted()).toEqual(["kept", "kept/5"]);
  });
});
