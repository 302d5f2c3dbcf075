import { beforeEach, describe, expect, it } from "vitest";
import { RunsView, toBadge } from "../../../src/ui/views/runs-view.ts";
import { SessionsView } from "../../../src/ui/views/sessions-view.ts";
import type { SessionRecord } from "../../../src/sessions/records.ts";
import { resetFake, state } from "../../fakes/vscode.ts";
import { URI } from "../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "./command-deps.ts";
import { fakeChange, fakeRun, liveRun, TARGET } from "./fake-engine.ts";

const PENDING = { added: 1, modified: 1, deleted: 0, pending: 2 };

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
});

function session(overrides: Partial<SessionRecord> = {}): SessionRecord {
  return {
    version: 1,
    id: "s-1",
    name: "ws",
    workspaceRoot: "/ws",
    target: TARGET,
    boundary: "namespaces",
    state: "ready",
    createdAt: "2026-01-01T10:00:00.000Z",
    expiresAt: new Date(Date.now() + 42 * 60_000).toISOString(),
    lastUsedAt: "2026-01-01T10:00:00.000Z",
    ...overrides,
  };
}

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
      ["a.py", "src · modified, conflict: changed here too", "change;pending;conflict"],
      ["b.png", "added", "change;pending"],
      ["c", "added, discarded", "change;discarded"],
    ]);
  });

  it("counts live runs on the badge", () => {
    const { store } = fakeDeps();
    expect(toBadge(store)).toBeUndefined();

    store.putRun(liveRun());
    store.putRun(fakeRun({ id: "b" }));
    expect(toBadge(store)).toEqual({ value: 1, tooltip: "train.py: running…" });
  });
});

describe("SessionsView", () => {
  it("lists sessions that are alive, with when they end, what runs in them, and where a folder is that is not open", async () => {
    const { deps, engine, store } = fakeDeps();
    engine.sessions = [
      session(),
      session({ id: "gone", state: "ended" }),
      session({ id: "busy", workspaceRoot: "/elsewhere/ws" }),
    ];
    engine.runs = [liveRun({ sessionId: "busy" })];
    await store.load();
    const view = new SessionsView(deps.store);
    const items = view.getChildren().map((node) => view.getTreeItem(node));

    expect(items.map(({ id, description, contextValue }) => [id, description, contextValue])).toEqual([
      ["s-1", "Local · idle, ends in 42 min", "session;ready;here"],
      ["busy", "/elsewhere · Local · 1 run", "session;ready"],
    ]);
  });
});
