import { beforeEach, describe, expect, it } from "vitest";
import {
  compareSnapshots,
  diffWithWorkspace,
  openSnapshotDifference,
} from "../../../../src/ui/commands/compare-snapshots.ts";
import {
  deleteSnapshot,
  exportSnapshot,
  importSnapshot,
  pinSnapshot,
  renameSnapshot,
  showStorage,
  takeSnapshot,
} from "../../../../src/ui/commands/snapshots.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeRun, fakeSession, fakeSnapshot } from "../fake-engine.ts";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
});

const FIRST = fakeSnapshot({ id: "1", cause: "push" });
const SECOND = fakeSnapshot({ id: "2" });

async function setUp() {
  const set = fakeDeps();
  set.engine.snapshots = [SECOND, FIRST];
  set.engine.runs = [fakeRun()];
  await set.store.load();
  return set;
}

function item(snapshot: ReturnType<typeof fakeSnapshot>) {
  return { kind: "snapshot", snapshot };
}

/** What the last editor of diffs was opened with: its title and, per file, the two sides. */
function openedDiffs(): unknown {
  const call = state.executed.findLast(({ command }) => command === "vscode.changes");
  return JSON.parse(
    JSON.stringify(call?.args, (_, value: unknown) => (value instanceof URI ? value.toString() : (value ?? null))),
  );
}

describe("takeSnapshot", () => {
  it.each([
    ["before the rewrite", ["snapshot of /ws as before the rewrite"]],
    ["", ["snapshot of /ws as "]],
    [undefined, []],
  ])("takes one of the folder under the name that is typed: %j", async (name, asked) => {
    const { deps, engine } = await setUp();
    state.inputs = [name];
    await takeSnapshot(deps);

    expect(engine.asked).toEqual(asked);
  });

  it("takes one of what a sandbox of the folder holds when it is picked", async () => {
    const { deps, engine } = await setUp();
    engine.sessions = [fakeSession(), fakeSession({ id: "s-2", name: "other", workspaceRoot: "/other" })];
    state.picks = ["What the Sandbox of ws Holds"];
    state.inputs = [""];
    await takeSnapshot(deps);

    expect(state.asked[0]?.labels).toEqual(["The Files Here", "What the Sandbox of ws Holds"]);
    expect(engine.asked).toEqual(["snapshot of s-1 as "]);
  });
});

describe("a snapshot", () => {
  it("is renamed, and an emptied name is taken away", async () => {
    const { deps, engine } = await setUp();
    state.inputs = ["good one", " ", undefined];
    for (let time = 0; time < 3; time++) await renameSnapshot(deps, item(FIRST));

    expect(engine.asked).toEqual(['update 1 {"name":"good one"}', 'update 1 {"name":""}']);
  });

  it("is pinned with all others that are selected", async () => {
    const { deps, engine } = await setUp();
    await pinSnapshot(deps, item(FIRST), [item(FIRST), item(SECOND)]);

    expect(engine.asked).toEqual(['update 1 {"isPinned":true}', 'update 2 {"isPinned":true}']);
  });

  it("is picked by what made it when the palette names none", async () => {
    const { deps, engine } = await setUp();
    state.picks = ["Sent to Local"];
    await pinSnapshot(deps, undefined);

    expect(state.asked[0]?.labels).toEqual(["After train.py", "Sent to Local"]);
    expect(engine.asked).toEqual(['update 1 {"isPinned":true}']);
  });

  it("that nobody has said to keep is deleted without asking", async () => {
    const { deps, engine } = await setUp();
    await deleteSnapshot(deps, item(FIRST));

    expect(engine.asked).toEqual(["delete 1"]);
    expect(state.messages).toEqual([]);
  });

  it.each([
    ["named", { name: "mine" }],
    ["pinned", { isPinned: true }],
  ])("that is %s is deleted only after a word of the user's", async (_, overrides) => {
    const { deps, engine } = await setUp();
    const kept = fakeSnapshot({ id: "3", ...overrides });
    await deleteSnapshot(deps, item(kept));
    expect(engine.asked).toEqual([]);

    state.answers = ["Delete"];
    await deleteSnapshot(deps, item(kept));
    expect(engine.asked).toEqual(["delete 3"]);
  });

  it("is exported to the file that is chosen, replacing it as the dialog has asked", async () => {
    const { deps, engine } = await setUp();
    state.files = [URI.file("/home/ada/it.sandpiper-snapshot")];
    await exportSnapshot(deps, item(FIRST));

    expect(state.executed).toEqual([{ command: "fs.delete", args: ["/home/ada/it.sandpiper-snapshot"] }]);
    expect(engine.asked).toEqual(["export 1 to /home/ada/it.sandpiper-snapshot"]);
  });

  it("is imported for the folder", async () => {
    const { deps, engine } = await setUp();
    state.files = [URI.file("/tmp/it")];
    await importSnapshot(deps);

    expect(engine.asked).toEqual(["import /tmp/it for /ws"]);
  });
});

describe("showStorage", () => {
  it("says what snapshots take and what bounds it, and leads to the settings", async () => {
    const { deps } = await setUp();
    state.answers = ["Open Settings"];
    await showStorage(deps);

    expect(state.messages[0]?.message).toBe(
      "12 snapshots take 3.3 MiB on disk. Kept are the last 200 of each folder, for 30 days and up to 4.0 GiB in all, and those that are named or pinned.",
    );
    expect(state.executed).toEqual([{ command: "workbench.action.openSettings", args: ["sandpiper.snapshots"] }]);
  });
});

describe("compareSnapshots", () => {
  const file = { type: "file", sha256: "x", sizeBytes: 3, executable: false } as const;

  it("opens what differs between the two that are selected, the older on the left", async () => {
    const { deps, engine } = await setUp();
    engine.differences = [
      { path: "gone", kind: "deleted", before: file },
      { path: "made", kind: "added", after: file },
      { path: "new", kind: "added", after: file, renamedFrom: "old" },
      { path: "old", kind: "deleted", before: file },
      { path: "other", kind: "modified", before: file, after: file },
    ];
    await compareSnapshots(deps, item(SECOND), [item(SECOND), item(FIRST)]);

    expect(engine.asked).toEqual(["diff 1 2"]);
    expect(openedDiffs()).toEqual([
      "Sent to Local ↔ After train.py",
      [
        ["file:///ws/gone", "sandpiper://1/ws/gone?snapshot=gone", null],
        ["file:///ws/made", null, "sandpiper://2/ws/made?snapshot=made"],
        ["file:///ws/new", "sandpiper://1/ws/old?snapshot=old", "sandpiper://2/ws/new?snapshot=new"],
        ["file:///ws/other", "sandpiper://1/ws/other?snapshot=other", "sandpiper://2/ws/other?snapshot=other"],
      ],
    ]);
  });

  it("asks for the second when one is given, and says when both are the same", async () => {
    const { deps, engine } = await setUp();
    state.picks = ["After train.py"];
    await compareSnapshots(deps, item(FIRST));

    expect(state.asked).toEqual([
      { placeHolder: "Compare Sent to Local with which snapshot?", labels: ["After train.py"] },
    ]);
    expect(engine.asked).toEqual(["diff 1 2"]);
    expect(state.messages).toMatchObject([{ message: "Both hold the same files." }]);
  });

  it("opens no more files than an editor is of use for, and says so", async () => {
    const { deps, engine } = await setUp();
    engine.differences = Array.from(
      { length: 28_000 },
      (_, index) => ({ path: `${index}`, kind: "added", after: file }) as const,
    );
    await compareSnapshots(deps, item(FIRST), [item(FIRST), item(SECOND)]);

    expect(openedDiffs()).toMatchObject([expect.any(String), { length: 300 }]);
    expect(state.messages).toMatchObject([{ message: "The editor shows the first 300 of 28000 files." }]);
  });

  it("opens one file of a row by itself", async () => {
    const { deps } = await setUp();
    const change = { path: "made", kind: "added", after: file } as const;
    await openSnapshotDifference(deps, { kind: "snapshot-difference", from: FIRST, to: SECOND, change });

    expect(state.executed.map(({ command, args }) => [command, String(args[0])])).toEqual([
      ["vscode.open", "sandpiper://2/ws/made?snapshot=made"],
    ]);
  });
});

describe("diffWithWorkspace", () => {
  it("holds the files here against the snapshot, and leaves none behind", async () => {
    const { deps, engine } = await setUp();
    const entry = { type: "file", sha256: "x", sizeBytes: 3, executable: false } as const;
    engine.differences = [{ path: "a", kind: "modified", before: entry, after: entry }];
    await diffWithWorkspace(deps, item(FIRST));

    expect(engine.asked).toEqual(["snapshot of /ws as ", "diff 1 taken", "delete taken"]);
    expect(openedDiffs()).toEqual([
      "Sent to Local ↔ here",
      [["file:///ws/a", "sandpiper://1/ws/a?snapshot=a", "file:///ws/a"]],
    ]);
  });

  it("keeps the snapshot that was there before", async () => {
    const { deps, engine } = await setUp();
    engine.snapshots = [fakeSnapshot({ id: "taken" }), FIRST];
    await diffWithWorkspace(deps, item(FIRST));

    expect(engine.asked).toEqual(["snapshot of /ws as ", "diff 1 taken"]);
  });
});
