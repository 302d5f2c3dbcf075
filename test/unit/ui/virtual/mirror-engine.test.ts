import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Uri } from "vscode";
import { withMirrors } from "../../../../src/ui/virtual/mirror-engine.ts";
import { MirrorFolder } from "../../../../src/ui/virtual/mirror-folder.ts";
import { makeTempFolder, removeFolder } from "../../../rig/temp-folder.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { FakeEngine, fakeChange, fakeRun, TARGET } from "../fake-engine.ts";

let root = "";

beforeEach(() => {
  resetFake();
  root = join(makeTempFolder(), "there");
  state.disk.set("/there/a.txt", "a");
});

afterEach(() => removeFolder(join(root, "..")));

function setUp() {
  const engine = new FakeEngine();
  engine.runs = [fakeRun({ workspaceRoot: root })];
  engine.changes = [fakeChange("a.txt")];
  const mirror = new MirrorFolder(Uri.from({ scheme: "memfs", path: "/there" }), root);
  return { engine, mirrored: withMirrors(engine, (path) => (path === root ? mirror : undefined)) };
}

describe("an engine that knows mirrors", () => {
  it("looks at a folder as it is now", async () => {
    const { mirrored } = setUp();
    await mirrored.previewUpload({ workspaceRoot: root, target: TARGET, overlays: [], maxFileMiB: 1 });

    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("a");
  });

  it("writes back what the engine applied, and tells what changed there meanwhile as conflicts", async () => {
    const { engine, mirrored } = setUp();
    engine.applyResult = { applied: ["a.txt", "b.txt"], merged: ["b.txt"], conflicts: ["c.txt"], held: [] };
    const apply = engine.applyChanges.bind(engine);
    engine.applyChanges = async (...args) => {
      mkdirSync(root, { recursive: true });
      for (const name of ["a.txt", "b.txt"]) writeFileSync(join(root, name), "applied");
      state.disk.set("/there/b.txt", "made there at the same moment");
      return await apply(...args);
    };

    expect(await mirrored.applyChanges("run-1", "all", [])).toEqual({
      applied: ["a.txt"],
      merged: [],
      conflicts: ["c.txt", "b.txt"],
      held: [],
    });
    expect(state.disk.get("/there/a.txt")).toBe("applied");
    expect(state.disk.get("/there/b.txt")).toBe("made there at the same moment");
  });

  it("is the engine itself for everything else", async () => {
    const { engine, mirrored } = setUp();
    await mirrored.stopRun("run-1", true);

    expect(engine.asked).toEqual(["kill run-1"]);
    expect(mirrored.closed).toBe(engine.closed);
  });
});
