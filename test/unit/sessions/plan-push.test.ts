import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Entry, isSameEntry, type Manifest, toManifest } from "../../../src/snapshots/manifest.ts";
import { isWithin, parentsOf, planPush, type PushState } from "../../../src/sessions/plan-push.ts";

function file(content: string): Entry {
  return { type: "file", sha256: content, sizeBytes: content.length, executable: false };
}

function toFiles(contents: Readonly<Record<string, string>>): Manifest {
  return toManifest(
    Object.entries(contents).map(([path, content]) => [path, content === "/" ? { type: "directory" } : file(content)]),
  );
}

function plan(
  local: Record<string, string>,
  pushed: Record<string, string>,
  known: Record<string, string>,
  resend: string[] = [],
) {
  const state: PushState = {
    local: toFiles(local),
    pushed: toFiles(pushed),
    known: toFiles(known),
    resend: new Set(resend),
  };
  return planPush(state);
}

describe("a push", () => {
  it("sends everything to an empty sandbox", () => {
    expect(plan({ a: "1", "d/b": "2" }, {}, {})).toEqual({ send: ["a", "d/b"], deletes: [] });
  });

  it("sends what changed here and deletes what is gone here", () => {
    expect(plan({ a: "2", b: "1" }, { a: "1", b: "1", c: "1" }, { a: "1", b: "1", c: "1" })).toEqual({
      send: ["a"],
      deletes: ["c"],
    });
  });

  it("leaves what a run made or changed, as long as nobody touches it here", () => {
    expect(plan({ a: "1" }, { a: "1" }, { a: "by the run", out: "by the run" })).toEqual({ send: [], deletes: [] });
  });

  it("leaves away what a run deleted", () => {
    expect(plan({ a: "1" }, { a: "1" }, {})).toEqual({ send: [], deletes: [] });
  });

  it("lets a later edit here win over what a run made", () => {
    expect(plan({ a: "edited" }, { a: "1" }, { a: "by the run" })).toEqual({ send: ["a"], deletes: [] });
  });

  it("sends nothing for a change of the sandbox that was applied here", () => {
    expect(plan({ a: "by the run" }, { a: "1" }, { a: "by the run" })).toEqual({ send: [], deletes: [] });
  });

  it("gives back the workspace's version of what was discarded", () => {
    expect(plan({ a: "1" }, { a: "1" }, { a: "by the run", out: "new" }, ["a", "out"])).toEqual({
      send: ["a"],
      deletes: ["out"],
    });
  });

  it("deletes a folder when its last file goes, and not when the workspace or a run still has something in it", () => {
    expect(plan({}, { "d/e/a": "1" }, { "d/e/a": "1" }).deletes).toEqual(["d"]);
    expect(plan({ "d/x": "1" }, { "d/e/a": "1", "d/x": "1" }, { "d/e/a": "1", "d/x": "1" }).deletes).toEqual(["d/e"]);
    expect(plan({}, { "d/a": "1" }, { "d/a": "1", "d/made": "1" }).deletes).toEqual(["d/a"]);
  });

  it("clears what stands in the way: a file where a folder is needed, and the other way round", () => {
    expect(plan({ "d/a": "1" }, {}, { d: "made" })).toEqual({ send: ["d/a"], deletes: ["d"] });
    expect(plan({ d: "1" }, { "d/a": "1" }, { "d/a": "1" })).toEqual({ send: ["d"], deletes: ["d"] });
  });

  it("ends with every path as the rule says, whatever the state was", () => {
    const names = fc.constantFrom("a", "b", "d/a", "d/b", "d/e/a", "f/a");
    const manifest = fc.dictionary(names, fc.constantFrom("1", "2", "3"));
    fc.assert(
      fc.property(manifest, manifest, manifest, (local, pushed, known) => {
        const state = {
          local: toFiles(local),
          pushed: toFiles(pushed),
          known: toFiles(known),
          resend: new Set<string>(),
        };
        const { send, deletes } = planPush(state);
        const after = new Map([...state.known].filter(([path]) => !isWithin(path, new Set(deletes))));
        for (const path of send) after.set(path, state.local.get(path) ?? file("missing"));

        for (const path of ["a", "b", "d/a", "d/b", "d/e/a", "f/a"]) {
          const ours = state.local.get(path);
          const moved = !isSameEntry(ours, state.pushed.get(path));
          expect(isSameEntry(after.get(path), moved ? ours : state.known.get(path))).toBe(true);
        }
        expect(deletes.every((path) => !parentsOf(path).some((parent) => deletes.includes(parent)))).toBe(true);
      }),
    );
  });
});
