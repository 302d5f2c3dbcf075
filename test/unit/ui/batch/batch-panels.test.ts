import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createFakePanel, type FakePanel } from "../../../fakes/fake-webview.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeBatch } from "../fake-cloud.ts";
import { fakeRun } from "../fake-engine.ts";
import { FIRST_VIEW } from "../../../../src/ui/batch/read-request.ts";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

function batchRun(index: number, batchId = "batch-1") {
  return fakeRun({ id: `${batchId}-${index}`, batch: { id: batchId, index } });
}

async function open() {
  const { deps, store, engine } = fakeDeps();
  store.putBatch(fakeBatch({ count: 1000 }));
  await deps.batchPanels.show("batch-1");
  const [panel] = state.panels;
  if (!panel) throw new TypeError("There is no panel.");
  panel.say({ type: "view", view: FIRST_VIEW });
  return { deps, store, engine, panel };
}

/** What VS Code does with a panel that was there before a reload. */
async function restore(panel: FakePanel, kept: unknown): Promise<void> {
  await state.serializers.get("sandpiper.batch")?.deserializeWebviewPanel(panel, kept);
}

function lastOf({ posted }: FakePanel): unknown {
  return posted.at(-1);
}

describe("a batch's table", () => {
  it("shows the batch and a page of its runs when the page asks for it", async () => {
    const { panel, store } = await open();
    store.putRun(batchRun(0));
    await vi.advanceTimersByTimeAsync(250);

    expect(panel.title).toBe(`train.py × ${(1000).toLocaleString()}`);
    expect(lastOf(panel)).toMatchObject({
      type: "page",
      summary: `0 of ${(1000).toLocaleString()} done · 2 running`,
      isLive: true,
      pageCount: 10,
      range: `1 – 100 of ${(1000).toLocaleString()}`,
      counts: { succeeded: "succeeded (1)", queued: "waiting (999)" },
    });
  });

  it("is drawn at most four times a second, however fast runs end, and shows the last of it", async () => {
    const { panel, store } = await open();
    panel.posted.length = 0;
    for (let index = 0; index < 100; index++) {
      store.putRun(batchRun(index));
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(250);

    expect(panel.posted.length).toBeLessThanOrEqual(6);
    expect(lastOf(panel)).toMatchObject({ counts: { succeeded: "succeeded (100)" } });
  });

  it("is not drawn for another batch, nor while it is hidden, and catches up when it is seen", async () => {
    const { panel, store } = await open();
    panel.posted.length = 0;
    store.putRun(batchRun(0, "other"));
    panel.turn(false);
    store.putRun(batchRun(0));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(panel.posted).toEqual([]);

    panel.turn(true);
    expect(lastOf(panel)).toMatchObject({ counts: { succeeded: "succeeded (1)" } });
  });

  it("stops the batch, and opens output and changes of its own runs alone", async () => {
    const { panel, store } = await open();
    store.putRun(batchRun(0));
    store.putRun(batchRun(0, "other"));
    store.putRun(fakeRun());
    for (const runId of ["other-0", "run-1", "nothing"]) panel.say({ type: "log", runId });
    for (const type of ["log", "terminal", "review"]) panel.say({ type, runId: "batch-1-0" });
    panel.say({ type: "stop" });

    expect(state.executed).toEqual([
      { command: "sandpiper.openRunLog", args: ["batch-1-0"] },
      { command: "sandpiper.showRun", args: ["batch-1-0"] },
      { command: "sandpiper.reviewChanges", args: ["batch-1-0"] },
      { command: "sandpiper.stopBatch", args: ["batch-1"] },
    ]);
  });

  it("30: loads our script and style, and nothing else from anywhere", async () => {
    const { panel } = await open();
    const { html, options } = panel.webview;
    const nonce = /script-src &#39;nonce-([^&]+)&#39;/.exec(html)?.[1] ?? "";

    expect(html).toContain("default-src &#39;none&#39;; style-src https://webview.example; script-src &#39;nonce-");
    expect(nonce.length).toBeGreaterThanOrEqual(22);
    expect([...html.matchAll(/<script[^>]*>/g)].map(([tag]) => tag)).toEqual([
      expect.stringContaining(`nonce="${nonce}"`),
    ]);
    expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address)).toEqual([
      expect.stringMatching(/^https:\/\/webview\.example\/.*batch-table\.css/),
      expect.stringMatching(/^https:\/\/webview\.example\/.*batch-table\.js/),
    ]);
    expect(html).not.toMatch(/ on\w+=|style=|unsafe|\bhttp:/);
    expect(options).toMatchObject({ enableScripts: true, localResourceRoots: [{ path: "/extension/dist/webview" }] });
  });

  it("30: puts nothing of the batch's own into the page but its id, escaped", async () => {
    const { deps, store } = fakeDeps();
    const id = `"><img src=x onerror=alert(1)>`;
    store.putBatch(fakeBatch({ id, title: "<img src=y>" }));
    await deps.batchPanels.show(id);

    expect(state.panels[0]?.webview.html).not.toContain("<img");
  });

  it("is one per batch: asked for again it comes to the front", async () => {
    const { deps, panel } = await open();
    await deps.batchPanels.show("batch-1");

    expect(state.panels).toHaveLength(1);
    expect(panel.revealed).toBe(1);
    panel.dispose();
    await deps.batchPanels.show("batch-1");
    expect(state.panels).toHaveLength(2);
  });

  it("comes back after a reload as it was, once what is on record has been read", async () => {
    const { engine } = fakeDeps();
    engine.batches = [fakeBatch({ state: "ended", queued: 0, active: 0, succeeded: 3 })];
    engine.runs = [batchRun(0), batchRun(1), batchRun(2)];
    const panel = createFakePanel("sandpiper.batch", "");
    const view = { ...FIRST_VIEW, sort: "cost" };
    await restore(panel, { batchId: "batch-1", view });
    panel.say({ type: "view", view });

    expect(lastOf(panel)).toMatchObject({
      summary: "3 of 3 done",
      view,
      rows: [{ index: 0 }, { index: 1 }, { index: 2 }],
    });
  });

  it("says after a reload that its batch is no longer on record", async () => {
    fakeDeps();
    const panel = createFakePanel("sandpiper.batch", "");
    await restore(panel, { batchId: "gone" });
    panel.say({ type: "view" });

    expect(lastOf(panel)).toMatchObject({ summary: "This batch is no longer on record.", isLive: false, rows: [] });
  });

  it("is closed when nobody can tell whose it was", async () => {
    fakeDeps();
    const panel = createFakePanel("sandpiper.batch", "");
    await restore(panel, { batchId: 3 });

    expect(panel.isDisposed).toBe(true);
  });

  it("hears nothing more once it is closed", async () => {
    const { panel, store } = await open();
    panel.dispose();
    await vi.advanceTimersByTimeAsync(0);
    panel.posted.length = 0;
    store.putRun(batchRun(0));
    await vi.advanceTimersByTimeAsync(500);

    expect(panel.posted).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
