import { beforeEach, describe, expect, it } from "vitest";
import * as vscode from "vscode";
import { CodeLenses } from "../../../../src/ui/lens/code-lenses.ts";
import { RunsView, toBadge } from "../../../../src/ui/views/runs-view.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeBatch } from "../fake-cloud.ts";
import { RunTerminal } from "../../../../src/ui/terminal/run-terminal.ts";
import { fakeRun, fakeSession, liveRun, settle } from "../fake-engine.ts";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
});

function batchRun(index: number, overrides: Parameters<typeof fakeRun>[0] = {}) {
  return fakeRun({ id: `run-b-${index}`, batch: { id: "batch-1", index }, ...overrides });
}

/** A window that knows of one run, and of a batch of 1,000 of which 120 have started. */
async function setUp() {
  const { deps, engine, store } = fakeDeps();
  engine.runs = [
    ...Array.from({ length: 120 }, (_, index) => batchRun(119 - index)),
    fakeRun({ id: "single", requestedAt: "2026-01-01T09:00:00.000Z", exit: { kind: "exited", code: 7 } }),
  ];
  engine.batches = [fakeBatch({ count: 1000, queued: 880, active: 20, succeeded: 97, failed: 3, costUsd: 1.2 })];
  await store.load();
  return { deps, engine, store, view: new RunsView(store, deps.reviewFiles) };
}

describe("the runs of a batch", () => {
  it("are under one row, as far as they have started, fifty at a time", async () => {
    const { view } = await setUp();
    const roots = await view.getChildren();
    const pages = await view.getChildren(roots[0]);
    const runs = await view.getChildren(pages[2]);
    const item = roots[0] && view.getTreeItem(roots[0]);

    expect(roots.map(({ kind }) => kind)).toEqual(["batch", "run"]);
    expect(item).toMatchObject({ label: `train.py × ${(1000).toLocaleString()}`, contextValue: "batch;live" });
    expect(item?.description).toContain(`100 of ${(1000).toLocaleString()} done, 3 failed · 20 running · $1.20`);
    expect(pages.map((page) => view.getTreeItem(page)).map(({ label, description }) => [label, description])).toEqual([
      ["#0 – #49", "50 started"],
      ["#50 – #99", "50 started"],
      ["#100 – #149", "20 started"],
    ]);
    expect(runs.map((run) => view.getTreeItem(run).label)).toEqual(
      Array.from({ length: 20 }, (_, index) => `#${100 + index}`),
    );
  });

  it("open their output in an editor, not each a terminal, and their changes only when asked", async () => {
    const { view } = await setUp();
    const run = batchRun(0, { changes: { added: 1, modified: 0, deleted: 0, pending: 1 } });
    const item = view.getTreeItem({ kind: "run", run });

    expect(item.command).toMatchObject({ command: "sandpiper.openRunLog", arguments: ["run-b-0"] });
    expect(item.contextValue).toBe("run;ended;pending");
    expect(item.collapsibleState).toBe(1);
  });

  it("leave lenses, lists and terminals to single runs", async () => {
    const { deps, store } = await setUp();
    store.putRun(batchRun(3, { state: "running" }));
    await deps.terminals.restore(["/ws"]);
    const document = { uri: vscode.Uri.file("/ws/train.py"), languageId: "python", getText: () => "print(1)" };
    const lenses = new CodeLenses(store).provideCodeLenses(document);

    expect(store.runs.map(({ id }) => id)).toEqual(["single"]);
    expect(store.run("run-b-3")).toBeDefined();
    expect(state.terminals).toEqual([]);
    expect(JSON.stringify(lenses)).toContain("exit 7");
  });

  it("get a terminal when they are opened, which follows them", async () => {
    const { deps, store } = await setUp();
    store.putRun(batchRun(200, { state: "running" }));
    const run = store.run("run-b-200");
    if (run) await deps.terminals.show(run, false);
    const pty = state.terminals[0]?.pty;
    if (pty instanceof RunTerminal) pty.open({ columns: 80, rows: 24 });
    store.putRun(batchRun(200, { exit: { kind: "exited", code: 5 } }));
    await settle();

    expect(state.terminals).toHaveLength(1);
    expect(pty instanceof RunTerminal && [pty.isDone, pty.run.exit]).toEqual([true, { kind: "exited", code: 5 }]);
  });

  it("count on the badge by their batch, so that it need not know them all", async () => {
    const { store } = await setUp();
    store.putRun(liveRun({ id: "live" }));

    expect(toBadge(store)).toMatchObject({ value: 21 });
  });

  it("are drawn anew once a second at most, and tell those who draw single runs nothing", async () => {
    const { store, view } = await setUp();
    let [drawn, told] = [0, 0];
    view.onDidChangeTreeData(() => drawn++);
    store.onDidChange(() => told++);
    for (let index = 0; index < 1000; index++) store.putRun(batchRun(index));

    expect([drawn, told]).toEqual([1, 0]);
    expect(store.batches.runsOf("batch-1")).toHaveLength(1000);
  });

  it("keep what they were told while they are read, and come to life no more once they have ended", async () => {
    const { engine, store } = await setUp();
    const loaded = store.load();
    await Promise.resolve();
    store.putRun(batchRun(500));
    await loaded;
    store.putRun(batchRun(500, { state: "running" }));
    expect(store.run("run-b-500")?.state).toBe("ended");

    engine.runs = [];
    engine.batches = [];
    await store.load();
    expect([store.run("run-b-500"), store.batches.all]).toEqual([undefined, []]);
  });

  it("share what is the same in all of them", async () => {
    const { store } = await setUp();
    const [first, second] = store.batches.runsOf("batch-1");

    expect(first?.target).toBe(second?.target);
  });
});

describe("sandboxes that are made for one run each", () => {
  it("are told of twice a second at most, and forgotten when they end", async () => {
    const { store } = await setUp();
    let told = 0;
    store.onDidChange(() => told++);
    for (let index = 0; index < 200; index++) store.putSession(fakeSession({ id: `d-${index}`, isDetached: true }));
    expect(store.sessions).toHaveLength(200);
    for (const { id } of store.sessions) store.putSession(fakeSession({ id, isDetached: true, state: "ended" }));

    expect(told).toBe(1);
    expect([store.sessions, store.endedSessions]).toEqual([[], []]);
  });
});
