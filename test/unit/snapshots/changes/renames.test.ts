import { describe, expect, it } from "vitest";
import { type Entry, toManifest } from "../../../../src/snapshots/manifest.ts";
import { planChanges } from "../../../../src/snapshots/changes/merge.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { findRenames, withRenames } from "../../../../src/snapshots/changes/renames.ts";

const toEntries = (files: Readonly<Record<string, string>>): [string, Entry][] =>
  Object.entries(files).map(([path, text]) => [
    path,
    { type: "file", sha256: toSha256(text), sizeBytes: text.length, executable: false },
  ]);

function renamesOf(
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(findRenames(planChanges(toManifest(toEntries(from)), toManifest(toEntries(to)))));
}

function many(folder: string, count: number, text?: string): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`${folder}/${index}`, text ?? `text ${index}`]),
  );
}

describe("findRenames", () => {
  it.each([
    { what: "another name", from: { "a/x": "1" }, to: { "a/y": "1" }, renames: { "a/y": "a/x" } },
    { what: "another folder", from: { "a/x": "1" }, to: { "b/x": "1" }, renames: { "b/x": "a/x" } },
    { what: "another content", from: { x: "1" }, to: { y: "2" }, renames: {} },
    { what: "a copy beside it", from: { x: "1" }, to: { x: "1", y: "1" }, renames: {} },
    { what: "nothing in it", from: { x: "" }, to: { y: "" }, renames: {} },
    {
      what: "the same content as another, which has the same name",
      from: { "a/x": "1", "b/y": "1" },
      to: { "a/z/y": "1" },
      renames: { "a/z/y": "b/y" },
    },
    {
      what: "the same content as another, which is nearer",
      from: { "a/b/x": "1", "c/x": "1" },
      to: { "a/d/x": "1" },
      renames: { "a/d/x": "a/b/x" },
    },
    {
      what: "the same content as another, which is a rename too",
      from: { "a/x": "1", "b/x": "1" },
      to: { "d/x": "1", "e/x": "1", "f/x": "1" },
      renames: { "d/x": "a/x", "e/x": "b/x" },
    },
  ])("tells of a file that has $what now: $renames", ({ from, to, renames }) => {
    expect(renamesOf(from, to)).toEqual(renames);
  });

  it("guesses nothing among hundreds that are alike", () => {
    expect(renamesOf(many("a", 500, "same"), many("b", 500, "same"))).toEqual({});
  });

  it("finds a folder of thousands that was renamed", () => {
    expect(renamesOf(many("a", 5000), many("b", 5000))).toMatchObject({ "b/0": "a/0", "b/4999": "a/4999" });
  });
});

describe("withRenames", () => {
  it("keeps both changes and their order", () => {
    const changes = planChanges(toManifest(toEntries({ b: "1", c: "2" })), toManifest(toEntries({ a: "1", c: "3" })));

    expect(withRenames(changes).map(({ path, kind, renamedFrom }) => [path, kind, renamedFrom])).toEqual([
      ["a", "added", "b"],
      ["b", "deleted", undefined],
      ["c", "modified", undefined],
    ]);
  });
});
