import { beforeEach, describe, expect, it } from "vitest";
import { RunsView, toBadge } from "../../../src/ui/views/runs-view.ts";
import { restartContext } from "../../../src/ui/cells/restart-context.ts";
import { SessionsView } from "../../../src/ui/views/sessions-view.ts";
import { documentSaved, resetFake, state } from "../../fakes/vscode.ts";
import { URI } from "../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "./command-deps.ts";
import { fakeChange, fakeChangeSet, fakeRun, fakeSession, fakeSnapshot, liveRun, TARGET } from "./fake-engine.ts";

const PENDING = { added: 1, modified: 1, deleted: 0, pending: 2 };

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
});

describe("RunsView", () => {
  it("lists this window's runs, newest first", async () => {
    const { deps, engine } = fakeDeps();
    engine.runs = [
      fakeRun({ id: "old", requestedAt: "2026-01-01T01:00:00Z" }),
      fakeRun({ id: "new", requestedAt: "2026-01-01T02:00:00Z" }),
      fakeRun({ id: "elsewhere", workspaceRoot: "/other" }),
    ];
    await deps.store.load();
    const nodes = await new RunsView(deps.store, deps.reviewFiles).getChildren();

    expect(nodes.map((node) => node.kind === "run" && node.run.id)).toEqual(["new", "old"]);
  });

  it.each([
    ["that goes on", liveRun(), "run;live", "running… · Local"],
    ["that ended well", fakeRun(), "run;ended", "exit 0 · 1.2 s · Local"],
    ["with changes to decide", fakeRun({ changes: PENDING }), "run;ended;pending", "exit 0 · 1.2 s · Local"],
    [
      "on another provider",
      fakeRun({ target: { ...TARGET, providerId: "docker" }, boundary: "gvisor" }),
      "run;ended",
      "exit 0 · 1.2 s · Docker (gVisor)",
    ],
  ] as const)("describes a run %s", (...row) => {
    const [, run, contextValue, description] = row;
    const { deps } = fakeDeps();
    const item = new RunsView(deps.store, deps.reviewFiles).getTreeItem({ kind: "run", run });

    expect(item.contextValue).toBe(contextValue);
    expect(item.description).toContain(description);
    expect(item.accessibilityInformation?.label).toContain(`train.py, ${description}`);
  });

  it("lists what a run changed, with what stands in the way", async () => {
    const { deps, engine, store } = fakeDeps();
    const run = fakeRun({ changes: PENDING });
    engine.runs = [run];
    await store.load();
    engine.changes = [
      fakeChange("src/a.py", { kind: "modified", status: "conflict" }),
      fakeChange("b.png"),
      fakeChange("c", { decision: "discarded" }),
    ];
    const view = new RunsView(store, deps.reviewFiles);
    const items = (await view.getChildren({ kind: "run", run })).map((node) => view.getTreeItem(node));

    expect(items.map(({ label, description, contextValue }) => [label, description, contextValue])).toEqual([
      ["a.py", "src · conflict: changed here too", "change;pending;conflict"],
      ["b.png", "added", "change;pending"],
      ["c", "added, discarded", "change;discarded"],
    ]);
  });

  it("lists what a restore brought, above the runs, until it is decided", async () => {
    const { deps, engine, store } = fakeDeps();
    engine.runs = [fakeRun()];
    engine.changeSets = [
      fakeChangeSet(),
      fakeChangeSet({ id: "decided", changes: { ...PENDING, pending: 0 } }),
      fakeChangeSet({ id: "elsewhere", workspaceRoot: "/other" }),
    ];
    engine.changes = [fakeChange("a.py")];
    await store.load();
    const view = new RunsView(store, deps.reviewFiles);
    const [first, ...others] = await view.getChildren();
    const item = first && view.getTreeItem(first);

    expect(item).toMatchObject({ id: "set-1", label: "Restore Tuesday 14:03", contextValue: "change-set;pending" });
    expect(item?.description).toContain("1 file changed");
    expect(others.map(({ kind }) => kind)).toEqual(["run"]);
    expect(await view.getChildren(first)).toMatchObject([{ kind: "change", subjectId: "set-1" }]);
  });

  it.each([
    ["a rename within a folder", { path: "src/new.py", renamedFrom: "src/old.py" }, "old.py → new.py", "src · renamed"],
    ["a move", { path: "lib/a.py", renamedFrom: "src/a.py" }, "src/a.py → a.py", "lib · renamed"],
    ["a clean merge", { status: "merge" }, "a.py", "added, merges with your edits"],
    ["a protected file", { isProtected: true }, "a.py", "added, protected"],
  ] as const)("describes %s", async (...row) => {
    const [, overrides, label, description] = row;
    const { deps, engine, store } = fakeDeps();
    engine.runs = [fakeRun()];
    await store.load();
    const change = fakeChange("a.py", overrides);
    const item = new RunsView(store, deps.reviewFiles).getTreeItem({ kind: "change", subjectId: "run-1", change });

    expect([item.label, item.description]).toEqual([label, description]);
  });

  it("holds undecided changes against the disk anew when a file of the folder is saved", async () => {
    const { deps, engine, store } = fakeDeps();
    const run = fakeRun({ changes: PENDING });
    engine.runs = [run];
    await store.load();
    engine.changes = [fakeChange("a.py", { kind: "modified" })];
    const view = new RunsView(store, deps.reviewFiles);
    await view.getChildren({ kind: "run", run });
    let drawn = 0;
    view.onDidChangeTreeData(() => drawn++);

    engine.changes = [fakeChange("a.py", { kind: "modified", status: "conflict" })];
    expect(await view.getChildren({ kind: "run", run })).toMatchObject([{ change: { status: "ready" } }]);
    documentSaved.fire({ uri: URI.file("/elsewhere/a.py") });
    documentSaved.fire({ uri: URI.file("/ws/a.py") });

    expect(drawn).toBe(1);
    expect(await view.getChildren({ kind: "run", run })).toMatchObject([{ change: { status: "conflict" } }]);
  });

  it("counts live runs on the badge", () => {
    const { store } = fakeDeps();
    expect(toBadge(store)).toBeUndefined();

    store.putRun(liveRun());
    store.putRun(fakeRun({ id: "b" }));
    expect(toBadge(store)).toEqual({ value: 1, tooltip: "train.py: running…" });
  });
});

/** Rows of the sessions view. */
async function drawSessions({ store, cells }: ReturnType<typeof fakeDeps>["deps"]) {
  const view = new SessionsView(store, cells);
  const items = await Promise.all((await view.getChildren()).map((node) => view.getTreeItem(node)));
  return items.map(({ id, description, contextValue }) => [id, description, contextValue]);
}

describe("SessionsView", () => {
  it("lists sessions that are alive, with when they end, what runs in them, and where a folder is that is not open", async () => {
    const { deps, engine, store } = fakeDeps();
    engine.sessions = [fakeSession(), fakeSession({ id: "busy", workspaceRoot: "/elsewhere/ws" })];
    engine.runs = [liveRun({ sessionId: "busy" })];
    await store.load();

    expect(await drawSessions(deps)).toEqual([
      ["s-1", "Local · idle, ends in 42 min", "session;ready;here;interpreter"],
      ["busy", "/elsewhere · Local · 1 run", "session;ready;interpreter"],
    ]);
  });

  it("says of what costs something which GPU it got, what it costs and has cost", async () => {
    const { deps, engine, store } = fakeDeps();
    const target = { ...TARGET, providerId: "modal", gpu: "H100" } as const;
    const createdAt = new Date(Date.now() - 3_600_000).toISOString();
    const rate = { usdPerHour: 1.95, asOf: "2026-11-24" };
    engine.sessions = [
      fakeSession({ target, boundary: "gvisor", gpu: "L40S", rate, createdAt }),
      fakeSession({ id: "p", target, boundary: "gvisor", gpu: "H100", rate, createdAt, state: "paused" }),
    ];
    await store.load();

    expect(await drawSessions(deps)).toEqual([
      [
        "s-1",
        "Modal · L40S · idle, ends in 42 min · $1.95/h, $1.95 so far",
        "session;ready;here;ports;images;gpus;interpreter",
      ],
      ["p", expect.stringMatching(/^Modal · H100 · paused, kept until ./), "session;paused;here"],
    ]);
  });

  it("offers to pause only what was made so that it can be", async () => {
    const { deps, engine, store } = fakeDeps();
    const target = { ...TARGET, providerId: "modal", options: { memorySnapshot: "true" } } as const;
    engine.sessions = [fakeSession({ target })];
    await store.load();

    expect((await drawSessions(deps))[0]?.[2]).toBe("session;ready;here;ports;images;gpus;interpreter;pause");
  });

  it("lists below a session in which cells have run where they keep their state, asking the engine once", async () => {
    const { deps, engine, store } = fakeDeps();
    engine.sessions = [fakeSession(), fakeSession({ id: "s-2" })];
    engine.runs = [
      fakeRun({ sessionId: "s-1", command: { kind: "cell", path: "plot.py", language: "python", code: "1" } }),
    ];
    engine.contexts = [{ id: "k-1", language: "python", path: "plot.py", count: 3 }];
    await store.load();
    const view = new SessionsView(store, deps.cells);
    const rows = await view.getChildren();
    const items = await Promise.all(rows.map((node) => view.getTreeItem(node)));
    const [first] = rows;
    const contexts = await view.getChildren(first);
    engine.contexts = [];
    const [context] = await view.getChildren(first);

    expect(items.map((item) => item.collapsibleState)).toEqual([2, 0]);
    expect(contexts).toMatchObject([{ kind: "context", session: { id: "s-1" }, context: { id: "k-1" } }]);
    expect(context && (await view.getTreeItem(context))).toMatchObject({
      label: "python · plot.py · 3 cells",
      contextValue: "context",
    });
  });

  it("lists contexts anew once one was restarted", async () => {
    const { deps, engine, store } = fakeDeps();
    engine.sessions = [fakeSession()];
    engine.contexts = [{ id: "k-1", language: "python", path: "plot.py", count: 3 }];
    await store.load();
    const view = new SessionsView(store, deps.cells);
    const node = { kind: "session", session: fakeSession() } as const;
    const [context] = await view.getChildren(node);
    let drawn = 0;
    view.onDidChangeTreeData(() => drawn++);
    engine.contexts = [{ id: "k-1", language: "python", path: "plot.py", count: 0 }];
    await restartContext(deps, context);

    expect(drawn).toBe(1);
    expect(await view.getChildren(node)).toMatchObject([{ context: { count: 0 } }]);
  });

  it("shows many sandboxes of single runs as one row, with what they cost together", async () => {
    const { deps, engine, store } = fakeDeps();
    const rate = { usdPerHour: 2, asOf: "2026-11-24" };
    engine.sessions = [
      fakeSession(),
      ...Array.from({ length: 200 }, (_, index) => fakeSession({ id: `d-${index}`, isDetached: true, rate })),
    ];
    await store.load();
    const view = new SessionsView(store, deps.cells);
    const rows = await view.getChildren();
    const items = await Promise.all(rows.map((row) => view.getTreeItem(row)));

    expect(items.map(({ label, description }) => [label, description])).toEqual([
      ["ws", "Local · idle, ends in 42 min"],
      ["200 sandboxes of one run each", "$400.00/h"],
    ]);
    expect(await view.getChildren(rows[1])).toHaveLength(50);
  });

  it("says of those that have ended from which snapshot they can be restored, or that they are lost", async () => {
    const { deps, engine, store } = fakeDeps();
    const now = new Date().toISOString();
    engine.sessions = [
      fakeSession({ id: "kept", state: "ended", lastUsedAt: "2026-01-01T10:00:00.000Z" }),
      fakeSession({ id: "lost", state: "ended", lastUsedAt: now, endReason: "Its sandbox has ended." }),
      fakeSession({ id: "long-lost", state: "ended", lastUsedAt: "2026-01-01T10:00:00.000Z" }),
      fakeSession({ id: "elsewhere", state: "ended", workspaceRoot: "/elsewhere/ws", lastUsedAt: now }),
    ];
    engine.runs = [fakeRun()];
    engine.snapshots = [
      fakeSnapshot({ id: "1", sessionId: "kept", cause: "push" }),
      fakeSnapshot({ id: "2", sessionId: "kept" }),
    ];
    await store.load();

    expect(await drawSessions(deps)).toEqual([
      ["lost", "Local · lost, now", "session;lost;here"],
      ["kept", expect.stringMatching(/^Local · restorable: After train\.py, ./), "session;restorable;here"],
    ]);
  });
});
