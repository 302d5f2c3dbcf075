import { beforeEach, describe, expect, it } from "vitest";
import type { ReviewedChange } from "../../../../src/sessions/records.ts";
import {
  applyChanges,
  discardChanges,
  openChangeDiff,
  reviewChanges,
  takeTheirs,
} from "../../../../src/ui/commands/review.ts";
import { fakeDocument, resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeChange, fakeChangeSet, fakeRun } from "../fake-engine.ts";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
});

function setUp(...changes: ReviewedChange[]) {
  const set = fakeDeps();
  set.engine.runs = [fakeRun({ changes: { added: changes.length, modified: 0, deleted: 0, pending: changes.length } })];
  set.engine.changes = changes;
  return set;
}

function item(change: ReviewedChange) {
  return { kind: "change", subjectId: "run-1", change };
}

/** Commands that were run, with their arguments as text. */
function opened(): readonly string[][] {
  return state.executed.map(({ command, args }) => [command, ...args.map((arg) => String(arg))]);
}

describe("reviewChanges", () => {
  it("opens what is undecided in one editor: the disk on the left, the sandbox on the right", async () => {
    const { deps } = setUp(
      fakeChange("new.txt"),
      fakeChange("old.txt", { kind: "modified" }),
      { path: "gone.txt", kind: "deleted", decision: "pending", isProtected: false, status: "ready" },
      fakeChange("done.txt", { decision: "applied" }),
    );
    await reviewChanges(deps, "run-1");

    const [call] = state.executed;
    expect(call?.command).toBe("vscode.changes");
    expect(
      JSON.stringify(call?.args[1], (_, value: unknown) => (value instanceof URI ? value.toString() : (value ?? null))),
    ).toBe(
      JSON.stringify([
        ["file:///ws/new.txt", null, "sandpiper://run-1/ws/new.txt?file=new.txt"],
        ["file:///ws/old.txt", "file:///ws/old.txt", "sandpiper://run-1/ws/old.txt?file=old.txt"],
        ["file:///ws/gone.txt", "file:///ws/gone.txt", null],
      ]),
    );
  });

  it("says so when a run changed nothing", async () => {
    const { deps } = setUp();
    await reviewChanges(deps, "run-1");

    expect(state.messages).toMatchObject([{ level: "information", message: "train.py changed no files." }]);
  });
});

async function setUpChangeSet(...changes: ReviewedChange[]) {
  const set = fakeDeps();
  set.engine.changeSets = [fakeChangeSet()];
  set.engine.changes = changes;
  await set.store.load();
  return set;
}

describe("a change set", () => {
  it("is reviewed, applied and discarded as a run's changes are", async () => {
    const { deps, engine } = await setUpChangeSet(fakeChange("a", { kind: "modified" }));
    await reviewChanges(deps, { kind: "change-set", changeSet: fakeChangeSet() });
    await applyChanges(deps, "set-1");

    expect(state.executed.map(({ command, args }) => [command, args[0]])).toEqual([
      ["vscode.changes", "Restore Tuesday 14:03"],
    ]);
    expect(engine.asked).toEqual(["apply set-1 a over "]);
    expect(state.messages).toMatchObject([{ message: "$(check) 1 file of Restore Tuesday 14:03 applied." }]);
  });

  it("is the only one that the palette can mean when nothing else is undecided", async () => {
    const { deps, engine } = await setUpChangeSet(fakeChange("a"));
    await applyChanges(deps, undefined);

    expect(engine.asked).toEqual(["apply set-1 a over "]);
  });

  it("says of a conflict what it is about", async () => {
    const { deps } = await setUpChangeSet(fakeChange("a", { status: "conflict" }));
    await applyChanges(deps, "set-1");

    expect(state.messages).toMatchObject([
      {
        message: "a has changed here since the comparison with the snapshot.",
        buttons: ["Keep Mine", "Take the Snapshot's", "Open Diff"],
      },
    ]);
  });
});

describe("one change", () => {
  it("that merges cleanly opens with what applying writes on the right", async () => {
    const merged = { type: "file", sha256: "m", sizeBytes: 7, executable: false } as const;
    const change = fakeChange("a.py", { kind: "modified", status: "merge", merged });
    const { deps, store } = setUp(change);
    await store.load();
    await openChangeDiff(deps, item(change));

    expect(opened()).toEqual([
      ["vscode.diff", "file:///ws/a.py", "sandpiper://run-1/ws/a.py?merged=m,7", "a.py (here ↔ merged)"],
    ]);
  });

  it("that is a rename opens against the file's old name", async () => {
    const change = fakeChange("new.py", { renamedFrom: "old.py" });
    const { deps, store } = setUp(change);
    await store.load();
    await openChangeDiff(deps, item(change));

    expect(opened()[0]?.slice(1, 3)).toEqual(["file:///ws/old.py", "sandpiper://run-1/ws/new.py?file=new.py"]);
  });

  it("that is a rename is reviewed as one file", async () => {
    const { deps } = setUp(fakeChange("new.py", { renamedFrom: "old.py" }), {
      path: "old.py",
      kind: "deleted",
      decision: "pending",
      isProtected: false,
      status: "ready",
    });
    await reviewChanges(deps, "run-1");

    expect(state.executed[0]?.args[1]).toHaveLength(1);
  });

  it.each([
    ["Take the Sandbox's", ["apply run-1 a over a"]],
    [undefined, []],
  ])("in conflict is taken after one more word of the user's: %s", async (answer, asked) => {
    const change = fakeChange("a", { status: "conflict" });
    const { deps, engine, store } = setUp(change, fakeChange("b"));
    await store.load();
    state.answers = [answer];
    await takeTheirs(deps, item(change));

    expect(engine.asked).toEqual(asked);
  });
});

describe("an open review", () => {
  const review = { label: "Changes by train.py (2 files)" };
  const other = { label: "Changes by train.py2 (2 files)" };

  it("is closed once everything is decided, and others stay", async () => {
    const { deps } = setUp(fakeChange("a"), fakeChange("b"));
    state.tabs = [review, other];

    await applyChanges(deps, "run-1");

    expect(state.tabs).toEqual([other]);
    expect(state.executed).toEqual([]);
  });

  it("shows what is left to decide", async () => {
    const { deps, store } = setUp(fakeChange("a"), fakeChange("b"));
    await store.load();
    state.tabs = [review];

    await discardChanges(deps, item(fakeChange("a")));

    expect(state.executed.map(({ command, args }) => [command, args[0], args[1]])).toMatchObject([
      ["vscode.changes", "Changes by train.py", { length: 1 }],
    ]);
  });

  it("is not opened by deciding alone", async () => {
    const { deps, engine, store } = setUp(fakeChange("a"), fakeChange("b"));
    await store.load();

    await discardChanges(deps, item(fakeChange("a")));

    expect(engine.asked).toEqual(["discard run-1 a"]);
    expect(state.executed).toEqual([]);
  });
});

describe("applyChanges", () => {
  it("applies everything that needs no word of the user's without asking", async () => {
    const { deps, engine } = setUp(fakeChange("a"), fakeChange("b"));
    await applyChanges(deps, "run-1");

    expect(engine.asked).toEqual(["apply run-1 a,b over "]);
    expect(state.messages).toMatchObject([{ level: "status", message: "$(check) 2 files of train.py applied." }]);
  });

  it("applies one file from its item", async () => {
    const b = fakeChange("b");
    const { deps, engine } = setUp(fakeChange("a"), b);
    await applyChanges(deps, item(b));
    expect(engine.asked).toEqual([]);

    await deps.store.load();
    await applyChanges(deps, item(b));
    expect(engine.asked).toEqual(["apply run-1 b over "]);
  });

  it("asks about conflicts one by one, and does what is said of each", async () => {
    const { deps, engine } = setUp(
      fakeChange("a"),
      fakeChange("mine", { status: "conflict" }),
      fakeChange("theirs", { status: "conflict" }),
    );
    state.answers = ["Keep Mine", "Open Diff", "Take the Sandbox's"];
    await applyChanges(deps, "run-1");

    expect(engine.asked).toEqual(["discard run-1 mine", "apply run-1 a,theirs over theirs"]);
    expect(state.executed.map(({ command }) => command)).toEqual(["vscode.diff"]);
  });

  it("does nothing when the user dismisses a question", async () => {
    const { deps, engine } = setUp(fakeChange("a"), fakeChange("b", { status: "conflict" }));
    await applyChanges(deps, "run-1");

    expect(engine.asked).toEqual([]);
  });

  it.each([
    ["Apply Them Too", ["apply run-1 a,.vscode/tasks.json over "]],
    ["Apply the Others Only", ["apply run-1 a over "]],
    [undefined, []],
  ])("10: names protected files and asks: %s", async (answer, asked) => {
    const { deps, engine } = setUp(fakeChange("a"), fakeChange(".vscode/tasks.json", { isProtected: true }));
    state.answers = [answer];
    await applyChanges(deps, "run-1");

    expect(engine.asked).toEqual(asked);
    expect(state.messages[0]?.detail).toContain(".vscode/tasks.json");
  });

  it("9: names files with their control characters made visible", async () => {
    const { deps } = setUp(fakeChange("a\u202e\u001b[31m", { isProtected: true }));
    await applyChanges(deps, "run-1");

    expect(state.messages[0]?.detail).toContain("a\\u{202e}\\u{1b}[31m");
  });

  it.each([
    ["Save and Go On", 1, ["apply run-1 a over "]],
    [undefined, 0, []],
  ])("does not write over text on screen that is not saved: %s", async (answer, saved, asked) => {
    const document = fakeDocument(URI.file("/ws/a"), "typed", { isDirty: true });
    state.documents = [document];
    state.answers = [answer];
    const { deps, engine } = setUp(fakeChange("a"));
    await applyChanges(deps, "run-1");

    expect(document.saved).toBe(saved);
    expect(engine.asked).toEqual(asked);
  });

  it("names what was left alone because it changed meanwhile", async () => {
    const { deps, engine } = setUp(fakeChange("a"), fakeChange("b"));
    engine.applyResult = { applied: ["a"], merged: [], conflicts: ["b"], held: [] };
    await applyChanges(deps, "run-1");

    expect(state.messages[0]).toMatchObject({
      level: "warning",
      message: "Left alone, because they changed meanwhile: b",
    });
  });

  it("52: applies nothing in a workspace that is not trusted", async () => {
    state.isTrusted = false;
    const { deps, engine } = setUp(fakeChange("a"));

    await expect(applyChanges(deps, "run-1")).rejects.toMatchObject({ code: "blocked" });
    expect(engine.asked).toEqual([]);
  });
});

describe("discardChanges", () => {
  it.each([
    ["Discard", ["discard run-1 a,b"]],
    [undefined, []],
  ])("asks before it discards everything: %s", async (answer, asked) => {
    state.answers = [answer];
    const { deps, engine } = setUp(fakeChange("a"), fakeChange("b"));
    await discardChanges(deps, "run-1");

    expect(engine.asked).toEqual(asked);
    expect(state.messages[0]?.detail).toBe("a\nb");
  });
});
