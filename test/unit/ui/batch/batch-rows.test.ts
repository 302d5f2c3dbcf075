import { describe, expect, it } from "vitest";
import type { RunRecord } from "../../../../src/sessions/records.ts";
import { toRowsPage } from "../../../../src/ui/batch/batch-rows.ts";
import { type BatchRun, isBatchRun } from "../../../../src/ui/batch/batch-store.ts";
import { FIRST_VIEW, readRequest, readState } from "../../../../src/ui/batch/read-request.ts";
import { fakeBatch } from "../fake-cloud.ts";
import { fakeRun, liveRun } from "../fake-engine.ts";

function runAt(index: number, run: RunRecord = fakeRun()): BatchRun {
  const found = { ...run, id: `run-${index}`, batch: { id: "batch-1", index } };
  if (!isBatchRun(found)) throw new TypeError("not of a batch");
  return found;
}

const FAILED = fakeRun({ exit: { kind: "exited", code: 3 }, costUsd: 0.5 });
const { exit: _exit, startedAt: _never, ...UNMADE } = fakeRun({ error: { code: "quota", message: "Too many." } });

describe("rows of a batch", () => {
  it("are as many as it has runs, those that have not started too", () => {
    const runs = [runAt(1, FAILED), runAt(2, liveRun())];
    const { rows, counts, total } = toRowsPage(fakeBatch({ count: 4 }), runs, FIRST_VIEW);

    expect(rows.map(({ index, state, stateText, exit }) => [index, state, stateText, exit])).toEqual([
      [0, "queued", "waiting", ""],
      [1, "failed", "failed", "exit 3"],
      [2, "live", "running…", ""],
      [3, "queued", "waiting", ""],
    ]);
    expect(total).toBe(4);
    expect(counts).toEqual({ all: 4, queued: 2, live: 1, succeeded: 0, failed: 1, stopped: 0 });
  });

  it("say what each cost, took and changed, and why it could not run", () => {
    const changes = { added: 1, modified: 1, deleted: 0, pending: 2 };
    const runs = [runAt(0, fakeRun({ costUsd: 0.02, changes })), runAt(1, UNMADE)];
    const { rows } = toRowsPage(fakeBatch({ count: 2 }), runs, FIRST_VIEW);

    expect(rows).toMatchObject([
      { runId: "run-0", duration: "1.2 s", cost: "$0.02", changes: "2 files changed", hasChanges: true, reason: "" },
      { runId: "run-1", duration: "", cost: "", exit: "could not run", reason: "Too many.", hasChanges: false },
    ]);
  });

  it("that never started were stopped once the batch has ended", () => {
    const { rows } = toRowsPage(fakeBatch({ count: 1, state: "ended" }), [], FIRST_VIEW);

    expect(rows).toMatchObject([{ state: "stopped", stateText: "stopped" }]);
  });

  it.each([
    ["index", true, [3, 2, 1, 0]],
    ["state", false, [1, 2, 0, 3]],
    ["cost", true, [1, 3, 0, 2]],
    ["cost", false, [3, 1, 0, 2]],
    ["exit", false, [3, 1, 0, 2]],
  ] as const)("sort by %s, descending: %s, with those that have none of it last", (sort, isDescending, order) => {
    const runs = [runAt(1, FAILED), runAt(2, liveRun()), runAt(3, fakeRun({ costUsd: 0.1 }))];
    const { rows } = toRowsPage(fakeBatch({ count: 4 }), runs, { ...FIRST_VIEW, sort, isDescending });

    expect(rows.map(({ index }) => index)).toEqual(order);
  });

  it("come a hundred at a time, and only those that pass the filter", () => {
    const runs = Array.from({ length: 1000 }, (_, index) => runAt(index, index % 4 === 0 ? FAILED : fakeRun()));
    const view = { ...FIRST_VIEW, filter: "failed", page: 2 } as const;
    const page = toRowsPage(fakeBatch({ count: 1000 }), runs, view);

    expect([page.rows.length, page.from, page.total, page.pageCount]).toEqual([50, 200, 250, 3]);
    expect(page.rows[0]?.index).toBe(800);
  });

  it("are those of the last page when there are no longer as many pages", () => {
    const { page, rows } = toRowsPage(fakeBatch({ count: 3 }), [], { ...FIRST_VIEW, page: 7 });

    expect([page, rows.length]).toEqual([0, 3]);
  });
});

describe("what a web view says", () => {
  it.each([
    [{ type: "stop" }, { type: "stop" }],
    [
      { type: "log", runId: "r" },
      { type: "log", runId: "r" },
    ],
    [{ type: "view" }, { type: "view", view: FIRST_VIEW }],
    [
      { type: "view", view: { sort: "cost", isDescending: true, filter: "failed", page: 3, more: 1 } },
      { type: "view", view: { sort: "cost", isDescending: true, filter: "failed", page: 3 } },
    ],
    [
      { type: "view", view: { sort: "__proto__", isDescending: "yes", filter: 3, page: -1 } },
      { type: "view", view: FIRST_VIEW },
    ],
  ])("%j is read as %j", (message, request) => expect(readRequest(message)).toEqual(request));

  it.each([
    undefined,
    null,
    "stop",
    3,
    {},
    { type: "log" },
    { type: "log", runId: 3 },
    { type: "execute", runId: "r" },
  ])("%j is not heeded", (message) => expect(readRequest(message)).toBeUndefined());

  it("is kept over a reload with the batch that it was about", () => {
    expect(readState({ batchId: "b", view: { page: 2 } })).toEqual({ batchId: "b", view: { ...FIRST_VIEW, page: 2 } });
    expect(readState({ view: FIRST_VIEW })).toBeUndefined();
  });
});
