import { beforeEach, describe, expect, it } from "vitest";
import { SnapshotsView } from "../../../src/ui/views/snapshots-view.ts";
import { resetFake, state } from "../../fakes/vscode.ts";
import { URI } from "../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "./command-deps.ts";
import { fakeRun, fakeSnapshot, settle, TARGET } from "./fake-engine.ts";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
});

async function setUp(...snapshots: ReturnType<typeof fakeSnapshot>[]) {
  const { engine, store, deps } = fakeDeps();
  engine.snapshots = snapshots;
  engine.runs = [fakeRun()];
  await store.load();
  return { engine, store, view: new SnapshotsView(deps.link, store) };
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}

describe("SnapshotsView", () => {
  it("lists this window's snapshots, newest first", async () => {
    const { view } = await setUp(
      fakeSnapshot({ id: "1" }),
      fakeSnapshot({ id: "3" }),
      fakeSnapshot({ id: "2" }),
      fakeSnapshot({ id: "4", workspaceRoot: "/elsewhere" }),
    );
    const nodes = await view.getChildren();

    expect(nodes.map((node) => node.kind === "snapshot" && node.snapshot.id)).toEqual(["3", "2", "1"]);
  });

  it.each([
    ["push", "Sent to Docker", "cloud-upload"],
    ["exit", "After train.py", "pass"],
    ["expiry", "Before the sandbox ended", "archive"],
    ["destroy", "Before the sandbox ended", "archive"],
    ["restore", "Before a restore", "history"],
    ["request", "Taken by hand", "device-camera"],
    ["import", "Imported", "desktop-download"],
  ] as const)("calls one made at %s in plain words: %s", async (cause, label, icon) => {
    const { view } = await setUp();
    const snapshot = fakeSnapshot({ cause, target: { ...TARGET, providerId: "docker" } });
    const item = view.getTreeItem({ kind: "snapshot", snapshot });

    expect(item).toMatchObject({ label, description: "now", iconPath: { id: icon } });
    expect(item.contextValue).toBe("snapshot;unpinned;restorable");
    expect(item.accessibilityInformation?.label).toBe(`${label}, now, ${(1204).toLocaleString()} files, 3.3 MiB`);
  });

  it("calls a named one by its name, and marks a pinned one", async () => {
    const { view } = await setUp();
    const snapshot = fakeSnapshot({ name: "before the refactoring\u202e", isPinned: true });
    const item = view.getTreeItem({ kind: "snapshot", snapshot });

    expect(item).toMatchObject({
      label: "before the refactoring\\u{202e}",
      description: "After train.py · now",
      iconPath: { id: "pinned" },
      contextValue: "snapshot;pinned;restorable",
    });
    expect(item.tooltip).toContain(`${(1204).toLocaleString()} files, 3.3 MiB`);
  });

  it("says of one that a provider holds until when it does, and nothing once that is over", async () => {
    const { view } = await setUp();
    const soon = new Date(Date.now() + 7 * 86_400_000);
    const until = soon.toLocaleDateString([], { month: "short", day: "numeric" });
    const draw = (at: Date) => {
      const accelerated = { providerId: "modal", until: at.toISOString() } as const;
      return view.getTreeItem({ kind: "snapshot", snapshot: fakeSnapshot({ accelerated }) });
    };

    expect(draw(soon).description).toBe("now · on Modal");
    expect(draw(soon).tooltip).toContain(`Modal holds it until ${until}: restores there without sending it`);
    expect(draw(new Date()).description).toBe("now");
  });

  it("shows below a snapshot where it was and what differs from the one before, compared once", async () => {
    const { engine, store, view } = await setUp(fakeSnapshot({ id: "1" }), fakeSnapshot({ id: "2" }));
    engine.differences = [
      { path: "src/report.md", kind: "added" },
      { path: "new.py", kind: "added", renamedFrom: "old.py" },
    ];
    const [newest] = await view.getChildren();
    const rows = (await view.getChildren(newest)).map((node) => view.getTreeItem(node));
    await store.load();
    await view.getChildren(newest);

    expect(rows.map(({ label, description }) => [label, description])).toEqual([
      ["Sandbox", "Local (bubblewrap) · network off"],
      ["report.md", "src · added"],
      ["old.py → new.py", "renamed"],
    ]);
    expect(engine.asked).toEqual(["diff 1 2"]);
  });

  it("lists no more than 50 differences, and says how many there are", async () => {
    const { engine, view } = await setUp(fakeSnapshot({ id: "1" }), fakeSnapshot({ id: "2" }));
    engine.differences = Array.from({ length: 60 }, (_, index) => ({ path: `${index}`, kind: "added" }) as const);
    const [newest] = await view.getChildren();
    const rows = await view.getChildren(newest);

    expect(rows).toHaveLength(52);
    expect(rows.slice(-1).map((node) => view.getTreeItem(node).label)).toEqual(["and 10 more"]);
  });

  it("compares nothing when the files are the same, or when there is none before", async () => {
    const same = { treeHash: "same" };
    const { engine, view } = await setUp(fakeSnapshot({ id: "1", ...same }), fakeSnapshot({ id: "2", ...same }));
    const [newest, oldest] = await view.getChildren();
    const last = async (node: typeof newest) =>
      (await view.getChildren(node)).slice(-1).map((each) => view.getTreeItem(each).label);

    expect(await last(newest)).toEqual(["The same files as the one before"]);
    expect(await last(oldest)).toEqual(["The first one here"]);
    expect(engine.asked).toEqual([]);
  });

  it("groups a long timeline by day, and keeps only today open", async () => {
    const { view } = await setUp(
      ...Array.from({ length: 500 }, (_, index) =>
        fakeSnapshot({ id: String(1000 - index), createdAt: daysAgo(Math.floor(index / 100)) }),
      ),
    );
    const days = await view.getChildren();
    const items = days.map((node) => view.getTreeItem(node));

    expect(items.slice(0, 2).map(({ label, collapsibleState }) => [label, collapsibleState])).toEqual([
      ["Today", 2],
      ["Yesterday", 1],
    ]);
    expect(days).toHaveLength(5);
    expect(await view.getChildren(days[1])).toHaveLength(100);
  });

  it("groups by folder in a window with several", async () => {
    state.folders = ["/ws", "/lib", "/empty"].map((path, index) => ({
      uri: URI.file(path),
      name: path.slice(1),
      index,
    }));
    const { view } = await setUp(fakeSnapshot({ id: "1" }), fakeSnapshot({ id: "2", workspaceRoot: "/lib" }));
    const folders = await view.getChildren();

    expect(folders.map((node) => view.getTreeItem(node).label)).toEqual(["ws", "lib"]);
    expect(await view.getChildren(folders[1])).toMatchObject([{ kind: "snapshot", snapshot: { id: "2" } }]);
  });

  it("is drawn anew when a snapshot is made or goes, and not by what runs do", async () => {
    const { engine, store, view } = await setUp();
    let drawn = 0;
    view.onDidChangeTreeData(() => drawn++);

    store.putRun(fakeRun({ id: "other" }));
    expect(drawn).toBe(0);
    engine.events.fire({ type: "snapshot", snapshot: fakeSnapshot({ id: "9" }) });
    expect(await view.getChildren()).toHaveLength(1);
    engine.events.fire({ type: "snapshot-deleted", snapshotId: "9" });
    await settle();

    expect(await view.getChildren()).toHaveLength(0);
    expect(drawn).toBe(2);
  });
});
