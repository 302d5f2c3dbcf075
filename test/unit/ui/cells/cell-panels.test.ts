import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TABLE_MIME } from "../../../../src/core/interpreter.ts";
import type { RunRecord } from "../../../../src/sessions/records.ts";
import { toStateFolder } from "../../../../src/sessions/state-folder.ts";
import type { CellsMessage, CellsPage } from "../../../../src/ui/cells/cell-messages.ts";
import { createFakePanel, type FakePanel } from "../../../fakes/fake-webview.ts";
import { URI } from "../../../fakes/uri.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { makeTempFolder, removeFolder } from "../../../rig/temp-folder.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { FakeEngine, fakeRun } from "../fake-engine.ts";
import { cellRun, writeLog, writeRaw, writeResults } from "./cell-world.ts";

let root = "";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
  root = makeTempFolder();
});
afterEach(() => removeFolder(root));

async function open(...runs: readonly RunRecord[]) {
  const folder = toStateFolder({ SANDPIPER_STATE: root });
  const world = fakeDeps(new FakeEngine(), undefined, folder);
  world.engine.runs = [...runs];
  await world.store.load();
  const { panels, queue } = await world.deps.cells.desk();
  panels.showFile("/ws", "plot.py", true);
  const [panel] = state.panels;
  if (!panel) throw new TypeError("There is no panel.");
  return { ...world, folder, panels, queue, panel };
}

function messagesOf<T extends CellsMessage["type"]>(panel: FakePanel, type: T) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a panel posts nothing else
  return (panel.posted as readonly CellsMessage[]).filter(
    (message): message is Extract<CellsMessage, { type: T }> => message.type === type,
  );
}

function lastPage(panel: FakePanel): CellsPage | undefined {
  return messagesOf(panel, "page").at(-1);
}

/** Resolves when the panel has posted so many messages of that type. */
async function posted(panel: FakePanel, type: CellsMessage["type"], count: number): Promise<void> {
  await expect.poll(() => messagesOf(panel, type).length, { interval: 5 }).toBeGreaterThanOrEqual(count);
}

describe("the results of a file's cells", () => {
  it("come oldest first, with what each printed and showed, when the page asks for them", async () => {
    const runs = [cellRun({ id: "b", cellCount: 2, requestedAt: "2026-01-01T11:00:00.000Z" }), cellRun({ id: "a" })];
    const { panel, folder } = await open(...runs, fakeRun({ id: "file" }));
    await writeLog(folder, "a", ["stdout", "one\n"], ["stderr", "\u001b[31mtwo"]);
    await writeResults(
      folder,
      "b",
      { kind: "count", count: 2 },
      { kind: "result", data: { "text/plain": "3" }, isMain: true },
    );
    panel.say({ type: "ready" });
    await posted(panel, "results", 2);

    expect(panel.title).toBe("plot.py: Results");
    expect(lastPage(panel)?.entries).toMatchObject([
      {
        id: "a",
        count: "[1]",
        source: "print(1)",
        line: 3,
        state: "succeeded",
        stateText: "done",
        time: "1.2 s · Local",
      },
      { id: "b", count: "[2]", notes: [] },
    ]);
    expect(messagesOf(panel, "text").find(({ id }) => id === "a")).toEqual({
      type: "text",
      id: "a",
      spans: [
        { text: "one\n", style: "stdout" },
        { text: "two", style: "stderr fg-red" },
      ],
      skipped: "",
    });
    expect(messagesOf(panel, "results").find(({ id }) => id === "b")).toMatchObject({
      isFirst: true,
      results: [{ kind: "forms", index: 1, forms: [{ kind: "text", text: "3" }] }],
    });
  });

  it("go on while the cell runs, with only what is new", async () => {
    const { exit: _exit, endedAt: _ended, ...live } = cellRun({ state: "running" });
    const { panel, folder, engine } = await open(live);
    await writeResults(folder, live.id, { kind: "result", data: { "text/plain": "first" }, isMain: false });
    panel.say({ type: "ready" });
    await posted(panel, "results", 1);
    await writeResults(folder, live.id, { kind: "result", data: { "text/plain": "second" }, isMain: false });
    engine.events.fire({ type: "results", runId: live.id, sizeBytes: 1 });
    await posted(panel, "results", 2);

    expect(lastPage(panel)).toMatchObject({ isLive: true, entries: [{ state: "live", stateText: "running…" }] });
    expect(messagesOf(panel, "results")[1]).toMatchObject({
      isFirst: false,
      results: [{ index: 1, forms: [{ text: "second" }] }],
    });
  });

  it("are sent as a whole again when the page is made anew", async () => {
    const { panel, folder } = await open(cellRun());
    await writeResults(folder, "run-1", { kind: "result", data: { "text/plain": "x" }, isMain: true });
    panel.say({ type: "ready" });
    await posted(panel, "results", 1);
    panel.say({ type: "ready" });
    await posted(panel, "results", 2);

    expect(messagesOf(panel, "results").map(({ isFirst, results }) => [isFirst, results.length])).toEqual([
      [true, 1],
      [true, 1],
    ]);
  });

  it("show what was raised once, with a way to its line, and not as print too", async () => {
    const { panel, folder } = await open(cellRun({ exit: { kind: "exited", code: 1 } }));
    const traceback = 'Traceback:\n  File "plot.py", line 3, in <module>\nValueError: no';
    await writeLog(folder, "run-1", ["stderr", `careful\n${traceback}\n`]);
    await writeResults(folder, "run-1", { kind: "error", name: "ValueError", value: "no", traceback });
    panel.say({ type: "ready" });
    await posted(panel, "results", 1);

    expect(messagesOf(panel, "text")[0]?.spans).toEqual([{ text: "careful\n", style: "stderr" }]);
    expect(messagesOf(panel, "results")[0]?.results).toMatchObject([{ kind: "error", title: "ValueError: no" }]);
    expect(lastPage(panel)).toMatchObject({
      announcement: "plot.py:2-3 has failed.",
      entries: [{ state: "failed", stateText: "error" }],
    });
  });

  it("say when a cell began with nothing of what those before it defined", async () => {
    const later = { requestedAt: "2026-01-01T11:00:00.000Z" };
    const { panel } = await open(cellRun({ ...later, id: "b", sessionId: "s-2" }), cellRun({ id: "a", cellCount: 4 }));
    panel.say({ type: "ready" });
    await posted(panel, "page", 1);

    expect(lastPage(panel)?.entries.map(({ notes }) => notes)).toEqual([
      [],
      ["This cell began afresh: nothing that the cells above defined was there any more."],
    ]);
  });

  it("say what a cell changed, and why it could not run", async () => {
    const { exit: _exit, startedAt: _started, ...rest } = cellRun();
    const failed = { ...rest, id: "b", requestedAt: "2026-01-01T11:00:00.000Z" };
    const { panel } = await open(
      { ...failed, error: { code: "unavailable", message: "Docker is not running." } },
      cellRun({ id: "a", changes: { added: 2, modified: 0, deleted: 0, pending: 2 } }),
    );
    panel.say({ type: "ready" });
    await posted(panel, "page", 1);

    expect(lastPage(panel)?.entries).toMatchObject([
      { changes: "2 files changed: Review" },
      { stateText: "could not run", notes: ["Docker is not running."] },
    ]);
  });

  it("are forgotten by the page when the user clears it, and stay so after a reload", async () => {
    const { panel } = await open(cellRun());
    panel.say({ type: "ready" });
    panel.say({ type: "clear" });
    await posted(panel, "page", 2);

    expect(lastPage(panel)).toMatchObject({ entries: [], state: { since: "2026-01-01T10:00:00.000Z" } });
  });

  it("come back after a reload from what is on disk", async () => {
    const { panel: first, deps, folder } = await open(cellRun());
    first.dispose();
    await writeResults(folder, "run-1", { kind: "result", data: { "text/plain": "x" }, isMain: true });
    const panel = createFakePanel("sandpiper.cells", "");
    const kept = { workspaceRoot: "/ws", path: "plot.py", since: "" };
    await state.serializers.get("sandpiper.cells")?.deserializeWebviewPanel(panel, kept);
    panel.say({ type: "ready" });
    await posted(panel, "results", 1);

    expect(lastPage(panel)?.entries).toHaveLength(1);
    (await deps.cells.desk()).panels.showFile("/ws", "plot.py", false);
    expect(panel.revealed).toBe(1);
  });

  it("are closed when nobody can tell whose they were", async () => {
    await open();
    const panel = createFakePanel("sandpiper.cells", "");
    await state.serializers.get("sandpiper.cells")?.deserializeWebviewPanel(panel, { path: 3 });

    expect(panel.isDisposed).toBe(true);
  });

  it("lead to the cell, its log, its review and its end, of this file's cells alone", async () => {
    const { panel } = await open(cellRun({ id: "a" }), fakeRun({ id: "file" }));
    for (const id of ["file", "gone"]) panel.say({ type: "log", id });
    for (const type of ["log", "review", "stop", "rerun"]) panel.say({ type, id: "a" });
    panel.say({ type: "goto", id: "a" });
    panel.say({ type: "open", id: "a", path: "lib/x.py", line: 7 });
    for (const path of ["../x.py", "/etc/passwd", "a/../../b"]) panel.say({ type: "open", id: "a", path, line: 1 });
    panel.say({ type: "restart" });
    await expect.poll(() => state.executed.length).toBe(5);

    expect(state.executed).toEqual([
      { command: "sandpiper.openRunLog", args: ["a"] },
      { command: "sandpiper.reviewChanges", args: ["a"] },
      { command: "sandpiper.stop", args: ["a"] },
      { command: "sandpiper.rerun", args: ["a"] },
      { command: "sandpiper.restartContext", args: ["a"] },
    ]);
    expect(state.shown).toEqual([
      { path: "/ws/plot.py", line: 2 },
      { path: "/ws/lib/x.py", line: 6 },
    ]);
  });

  it("can be copied, a table as sheets take it, and saved as files", async () => {
    const { panel, folder } = await open(cellRun());
    const table = JSON.stringify({ columns: ["a", "b"], rows: [["x\ty", 1]], rowCount: 1 });
    const data = { [TABLE_MIME]: table, "image/png": Buffer.from("png").toString("base64"), "text/plain": "text" };
    await writeResults(folder, "run-1", { kind: "count", count: 1 }, { kind: "result", data, isMain: true });
    state.files = [URI.file("/ws/out.png"), undefined];
    panel.say({ type: "copy", id: "run-1", index: 1, mime: "text/plain" });
    await expect.poll(() => state.copied).toEqual(["text"]);
    panel.say({ type: "copy", id: "run-1", index: 1, mime: TABLE_MIME });
    await expect.poll(() => state.copied.at(-1)).toBe("a\tb\nx y\t1");
    panel.say({ type: "save", id: "run-1", index: 1, mime: "image/png" });
    await expect.poll(() => state.disk.get("/ws/out.png")).toBe("png");
    panel.say({ type: "copy", id: "run-1", index: 9, mime: "text/plain" });
    await expect.poll(() => state.messages.at(-1)?.message).toBe("This result is no longer on disk.");
  });

  it("hold no more than a page can: the newest are shown, of the others it is said", async () => {
    const picture = { kind: "result", data: { "image/png": "x".repeat(11 * 1024 * 1024) }, isMain: true } as const;
    const runs = ["e", "d", "c", "b", "a"].map((id) => cellRun({ id, requestedAt: `2026-01-01T11:00:0${id}` }));
    const { panel, folder } = await open(...runs);
    await Promise.all(runs.map(({ id }) => writeResults(folder, id, picture)));
    panel.say({ type: "ready" });
    await posted(panel, "results", 5);
    const kinds = messagesOf(panel, "results").map(({ id, results: [view] }) => [
      id,
      view?.kind === "forms" && view.forms[0]?.kind,
    ]);

    expect(kinds).toEqual([
      ["e", "image"],
      ["d", "image"],
      ["c", "image"],
      ["b", "image"],
      ["a", "omitted"],
    ]);
  });

  it("30: load our script and style, and nothing else from anywhere", async () => {
    const { panel } = await open();
    const { html, options } = panel.webview;
    const nonce = /script-src &#39;nonce-([^&]+)&#39;/.exec(html)?.[1] ?? "";

    expect(html).toContain(
      "default-src &#39;none&#39;; img-src data:; style-src https://webview.example &#39;unsafe-inline&#39;; script-src",
    );
    expect(nonce.length).toBeGreaterThanOrEqual(22);
    expect([...html.matchAll(/<script[^>]*>/g)].map(([tag]) => tag)).toEqual([
      expect.stringContaining(`nonce="${nonce}"`),
    ]);
    expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address)).toEqual([
      expect.stringMatching(/^https:\/\/webview\.example\/.*cell-results\.css/),
      expect.stringMatching(/^https:\/\/webview\.example\/.*cell-results\.js/),
    ]);
    expect(html).not.toMatch(/ on\w+=|style="|unsafe-eval|\bhttp:/);
    expect(options).toMatchObject({ enableScripts: true, localResourceRoots: [{ path: "/extension/dist/webview" }] });
  });

  it("hear nothing more once they are closed, and are not drawn while hidden", async () => {
    const { panel, store } = await open(cellRun());
    panel.turn(false);
    panel.posted.length = 0;
    store.putRun(cellRun({ cellCount: 2 }));
    panel.dispose();
    panel.turn(true);
    store.putRun(cellRun({ cellCount: 3 }));

    expect(panel.posted).toEqual([]);
  });

  it("survive a file of results that makes no sense", async () => {
    const { panel, folder } = await open(cellRun());
    await writeRaw(folder, "run-1", "\u0000\n[]\n");
    panel.say({ type: "ready" });
    await posted(panel, "results", 1);

    expect(messagesOf(panel, "results")[0]?.results).toEqual([]);
  });
});
