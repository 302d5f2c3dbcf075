import { describe, expect, it } from "vitest";
import { type Entry, toManifest } from "../../../../src/snapshots/manifest.ts";
import { decide, planChanges } from "../../../../src/snapshots/changes/merge.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";

const file = (text: string, executable = false): Entry => ({
  type: "file",
  sha256: toSha256(text),
  sizeBytes: text.length,
  executable,
});
const folder: Entry = { type: "directory" };
const link: Entry = { type: "link", target: "x" };

describe("decide", () => {
  const [a, b, c] = [file("a"), file("b"), file("c")];
  it.each([
    { what: "changed there", base: a, ours: a, theirs: b, is: "ready" },
    { what: "changed here", base: a, ours: b, theirs: a, is: "conflict" },
    { what: "changed in both (security 14)", base: a, ours: b, theirs: c, is: "conflict" },
    { what: "changed alike", base: a, ours: b, theirs: b, is: "same" },
    { what: "new there", base: undefined, ours: undefined, theirs: b, is: "ready" },
    { what: "new in both", base: undefined, ours: a, theirs: b, is: "conflict" },
    { what: "new in both, alike", base: undefined, ours: b, theirs: b, is: "same" },
    { what: "deleted there", base: a, ours: a, theirs: undefined, is: "ready" },
    { what: "deleted there, changed here", base: a, ours: b, theirs: undefined, is: "conflict" },
    { what: "deleted in both", base: a, ours: undefined, theirs: undefined, is: "same" },
    { what: "changed there, deleted here", base: a, ours: undefined, theirs: b, is: "conflict" },
    { what: "made executable there", base: a, ours: a, theirs: file("a", true), is: "ready" },
    { what: "made executable here, changed there", base: a, ours: file("a", true), theirs: b, is: "conflict" },
    { what: "turned into a link there", base: a, ours: a, theirs: link, is: "ready" },
    { what: "a new file where a folder is", base: undefined, ours: folder, theirs: a, is: "ready" },
    { what: "a changed file where a folder is now", base: a, ours: folder, theirs: b, is: "conflict" },
  ])("says $is for what was $what", ({ base, ours, theirs, is }) => {
    expect(decide(base, ours, theirs)).toBe(is);
  });
});

describe("planChanges", () => {
  it("names what was added, modified and deleted, in path order", () => {
    const base = { b: file("b"), c: file("c"), same: file("s") };

    expect(plan(base, { a: file("a"), b: file("B"), same: file("s") })).toEqual(["added a", "modified b", "deleted c"]);
  });

  it("says nothing of a folder that is told of by what is in it", () => {
    expect(plan({ d: folder }, { "d/f": file("f") })).toEqual(["added d/f"]);
    expect(plan({ "d/f": file("f") }, { d: folder })).toEqual(["deleted d/f"]);
    expect(plan({}, { d: folder })).toEqual(["added d"]);
    expect(plan({ d: folder }, {})).toEqual(["deleted d"]);
  });

  it("takes a file that became a folder for a deletion and additions", () => {
    expect(plan({ p: file("p") }, { "p/x": file("x") })).toEqual(["deleted p", "added p/x"]);
    expect(plan({ "p/x": file("x") }, { p: file("p") })).toEqual(["added p", "deleted p/x"]);
  });

  it("carries both sides", () => {
    const [change] = planChanges(toManifest([["f", file("1")]]), toManifest([["f", file("2", true)]]));

    expect(change).toEqual({ path: "f", kind: "modified", base: file("1"), theirs: file("2", true) });
  });
});

function plan(base: Record<string, Entry>, now: Record<string, Entry>): string[] {
  const changes = planChanges(toManifest(Object.entries(base)), toManifest(Object.entries(now)));
  return changes.map(({ path, kind }) => `${kind} ${path}`);
}
