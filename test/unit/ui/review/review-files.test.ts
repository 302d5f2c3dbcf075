import { beforeEach, describe, expect, it } from "vitest";
import * as vscode from "vscode";
import { toBaseUri, toMergedUri, toSnapshotUri, toTheirsUri } from "../../../../src/ui/review/review-files.ts";
import { toPlainText } from "../../../../src/ui/review/to-plain-text.ts";
import { resetFake } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeChange, fakeRun, fakeSnapshot } from "../fake-engine.ts";

beforeEach(() => resetFake({ ...SETTINGS }));

describe("ReviewFiles", () => {
  it("reads a file as the run left it", async () => {
    const { deps, engine, contents } = fakeDeps();
    engine.changes = [fakeChange("src/a b.py")];
    contents.set("hash of src/a b.py", "abc");
    const uri = toTheirsUri(fakeRun(), "src/a b.py");

    expect(Buffer.from(await deps.reviewFiles.readFile(uri)).toString()).toBe("abc");
    expect(await deps.reviewFiles.stat(uri)).toMatchObject({ size: 3, permissions: vscode.FilePermission.Readonly });
  });

  it("reads a file as a snapshot has it, with one listing for all its files", async () => {
    const { deps, engine, contents } = fakeDeps();
    const entry = { type: "file", sha256: "h", sizeBytes: 4, executable: false } as const;
    engine.snapshotFiles = ["a", "b"].map((path) => ({ path, entry }));
    contents.set("h", "kept");
    const read = (path: string) => deps.reviewFiles.readFile(toSnapshotUri(fakeSnapshot(), path));

    expect(Buffer.from(await read("a")).toString()).toBe("kept");
    expect(Buffer.from(await read("b")).toString()).toBe("kept");
    expect(engine.asked).toEqual(["files of snap-1"]);
    await expect(read("c")).rejects.toThrow("not found");
  });

  it("reads what a merge would write by its content", async () => {
    const { deps, contents } = fakeDeps();
    contents.set("m", "both");
    const uri = toMergedUri(fakeRun(), "a", { type: "file", sha256: "m", sizeBytes: 4, executable: false });

    expect(Buffer.from(await deps.reviewFiles.readFile(uri)).toString()).toBe("both");
    expect(await deps.reviewFiles.stat(uri)).toMatchObject({ size: 4 });
  });

  it("reads a file as it was sent, and one as it was when it was kept", async () => {
    const { deps, engine, contents } = fakeDeps();
    const base = { type: "file", sha256: "b", sizeBytes: 3, executable: false } as const;
    engine.changes = [fakeChange("a", { kind: "modified", base })];
    contents.set("b", "old");
    const kept = deps.reviewFiles.keep(fakeRun(), "a", Buffer.from("mine"));

    expect(Buffer.from(await deps.reviewFiles.readFile(toBaseUri(fakeRun(), "a"))).toString()).toBe("old");
    expect(Buffer.from(await deps.reviewFiles.readFile(kept)).toString()).toBe("mine");
    expect(await deps.reviewFiles.stat(kept)).toMatchObject({ size: 4 });
  });

  it("asks again for a file that was not there at first", async () => {
    const { deps, engine } = fakeDeps();
    const uri = toTheirsUri(fakeRun(), "late");
    await expect(deps.reviewFiles.stat(uri)).rejects.toThrow("not found");
    engine.changes = [fakeChange("late")];

    expect(await deps.reviewFiles.stat(uri)).toMatchObject({ size: 3 });
  });

  it("shows a link as text, and never where it leads", async () => {
    const { deps, engine } = fakeDeps();
    engine.changes = [fakeChange("link", { theirs: { type: "link", target: "/etc/passwd" } })];

    const content = await deps.reviewFiles.readFile(toTheirsUri(fakeRun(), "link"));

    expect(Buffer.from(content).toString()).toBe("-> /etc/passwd\n");
  });

  it("knows no file but those the run changed", async () => {
    const { deps, engine } = fakeDeps();
    engine.changes = [fakeChange("a")];

    await expect(deps.reviewFiles.readFile(toTheirsUri(fakeRun(), "../../etc/passwd"))).rejects.toThrow("not found");
  });

  it("says what to do with a file too large to show", async () => {
    const { deps, engine } = fakeDeps();
    const theirs = { type: "file", sha256: "x", sizeBytes: 65 * 1024 * 1024, executable: false } as const;
    engine.changes = [fakeChange("big", { theirs })];

    await expect(deps.reviewFiles.readFile(toTheirsUri(fakeRun(), "big"))).rejects.toThrow("Apply it to see it");
  });

  it("lets nothing be written", () => {
    const { reviewFiles } = fakeDeps().deps;

    for (const write of ["writeFile", "delete", "rename", "createDirectory"] as const) {
      expect(() => reviewFiles[write]()).toThrow("no permissions");
    }
  });
});

describe("toPlainText", () => {
  it.each([
    ["\u001b[1;31mred\u001b[0m\r\nnext", "red\nnext"],
    ["10 %\r50 %\r100 %\r\ndone", "100 %\ndone"],
    ["\u001b]8;;https://example.org\u001b\\text\u001b]8;;\u001b\\\u0007", "text"],
    ["\u001b]0;title\u0007\u001b(0q\u001b(B\u001b7", "q"],
    ["héllo 日本", "héllo 日本"],
  ])("of %j is %j", (output, expected) => {
    expect(toPlainText(Buffer.from(output))).toBe(expected);
  });
});
