import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { toBatchRow } from "../../../src/cli/batch-rows.ts";
import { describeBatch, drawBatch } from "../../../src/cli/batch-table.ts";
import { createJsonBatchView, createPlainBatchView, createTableBatchView } from "../../../src/cli/batch-view.ts";
import { toBatchExitCode } from "../../../src/cli/exit-code.ts";
import { parseRunArguments } from "../../../src/cli/parse-run.ts";
import { TerminalOutput } from "../../../src/cli/terminal-output.ts";
import type { BatchRecord } from "../../../src/sessions/cloud-records.ts";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import type { RunRecord } from "../../../src/sessions/records.ts";

const NOW = Date.parse("2026-01-01T00:01:00Z");
const at = (seconds: number): string => new Date(NOW - 60_000 + seconds * 1000).toISOString();

const BATCH: BatchRecord = {
  version: 1,
  id: "batch",
  title: "train.py",
  workspaceRoot: "/w",
  providerId: "modal",
  snapshotId: "s",
  count: 100,
  concurrency: 8,
  state: "running",
  queued: 55,
  active: 8,
  succeeded: 35,
  failed: 2,
  costUsd: 1.234,
  requestedAt: at(0),
};

function toRun(index: number, changes: Partial<RunRecord> = {}): RunRecord {
  return {
    version: 1,
    id: `run-${index}`,
    title: "train.py",
    workspaceRoot: "/w",
    target: DEFAULT_TARGET,
    boundary: "gvisor",
    command: { kind: "argv", argv: ["true"] },
    origin: "cli",
    hasPty: false,
    state: "running",
    requestedAt: at(0),
    startedAt: at(10),
    batch: { id: "batch", index },
    ...changes,
  };
}

function toEnded(index: number, code: number, seconds: number): RunRecord {
  return toRun(index, { state: "ended", exit: { kind: "exited", code }, exitedAt: at(seconds), endedAt: at(seconds) });
}

/** What a view writes. */
function setUp(): { readonly stdout: TerminalOutput; readonly read: () => string } {
  const stream = new PassThrough();
  return { stdout: new TerminalOutput(stream), read: () => String(stream.read() ?? "") };
}

describe("the table of a batch", () => {
  it("has a row per run, those that go on first, then the failed, then what ended last", () => {
    const runs = [toEnded(0, 0, 20), toEnded(1, 3, 20), toEnded(2, 0, 30), toRun(3)];

    const lines = drawBatch(BATCH, runs.map(toBatchRow), { columns: 100, rows: 24 }, NOW);

    expect(lines).toEqual([
      "#3   running        50.0 s  run-3",
      "#1   exit 3         10.0 s  run-1",
      "#2   exit 0         20.0 s  run-2",
      "#0   exit 0         10.0 s  run-0",
      "37 of 100 ended: 35 succeeded, 2 failed; 8 going on, 55 waiting; $1.23",
    ]);
  });

  it("takes no more of the terminal than there is", () => {
    const rows = Array.from({ length: 1000 }, (_, index) => toBatchRow(toRun(index, { progress: "x".repeat(200) })));

    const lines = drawBatch(BATCH, rows, { columns: 40, rows: 10 }, NOW);

    expect(lines).toHaveLength(9);
    expect(Math.max(...lines.map(({ length }) => length))).toBe(39);
    expect(lines.at(-1)).toMatch(/^37 of 100/);
  });

  it("tells cost, and why a run never started", () => {
    const run = toRun(7, { state: "ended", costUsd: 0.0123, error: { code: "quota", message: "Full.\nWait." } });

    const [line] = drawBatch(BATCH, [toBatchRow(run)], { columns: 100, rows: 24 }, NOW);

    expect(line).toBe("#7   failed         50.0 s  $0.0123  run-7  Full. Wait.");
  });

  it("says in the end what never started", () => {
    const ended: BatchRecord = { ...BATCH, state: "ended", active: 0, queued: 63, costUsd: 0 };

    expect(describeBatch(ended)).toBe("37 of 100 ended: 35 succeeded, 2 failed; 63 never started");
  });

  it("is drawn over the one before, and names the failed runs in the end", async () => {
    const { stdout, read } = setUp();
    const view = createTableBatchView(stdout, () => ({ columns: 80, rows: 24 }));

    view.batchChanged(BATCH);
    view.runChanged(toEnded(4, 1, 20));
    await view.ended({ ...BATCH, state: "ended" }, 1);

    expect(read()).toMatch(/#4 .*exit 1.*\n.*37 of 100 ended.*\nRun 4 failed: sandpiper logs run-4\n$/);
  });
});

describe("a batch without a terminal", () => {
  it("prints a line for each run that has ended, once", async () => {
    const { stdout, read } = setUp();
    const view = createPlainBatchView(stdout, { isQuiet: false });

    view.batchChanged(BATCH);
    for (const run of [toRun(5), toEnded(5, 0, 20), toEnded(5, 0, 20)]) view.runChanged(run);
    await view.ended({ ...BATCH, state: "ended", queued: 0 }, 0);

    expect(read()).toBe("#5   exit 0         10.0 s  run-5\n37 of 100 ended: 35 succeeded, 2 failed; $1.23\n");
  });

  it("prints events as JSON, the exit code last", async () => {
    const { stdout, read } = setUp();
    const view = createJsonBatchView(stdout);

    view.runChanged(toRun(5));
    await view.ended({ ...BATCH, state: "ended", error: "Sign in." }, 125);

    const events = read()
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(events).toMatchObject([
      { type: "run", run: { batch: { index: 5 } } },
      { type: "batch", batch: { state: "ended" } },
      { type: "error", message: "Sign in." },
      { type: "end", exitCode: 125 },
    ]);
  });
});

it.each([
  ["0 when all runs succeeded", { succeeded: 100 }, false, 0],
  ["1 when some did not", {}, false, 1],
  ["125 when not all were started", { error: "Sign in." }, false, 125],
  ["130 when the user stopped them", {}, true, 130],
])("a batch's exit code is %s", (_, changes, isStopped, code) => {
  expect(toBatchExitCode({ ...BATCH, ...changes }, isStopped)).toBe(code);
});

describe("sandpiper run --count", () => {
  it("says how many, and how many at once", () => {
    expect(
      parseRunArguments(["--count", "100", "--concurrency", "8", "--workspace", "/w", "--", "x"], "/w", {}).plan,
    ).toEqual({
      count: 100,
      concurrency: 8,
    });
    expect(parseRunArguments(["--count", "3", "--workspace", "/w", "--", "x"], "/w", {}).plan).toEqual({ count: 3 });
    expect(parseRunArguments(["--workspace", "/w", "--", "x"], "/w", {}).plan).toBeUndefined();
  });

  it.each([
    [["--concurrency", "3"], /goes with --count/],
    [["--count", "0"], /--count is a whole number above 0/],
    [["--count", "3", "--pull", "apply"], /--pull apply is for one run/],
  ])("refuses %j", (options, message) => {
    expect(() => parseRunArguments([...options, "--workspace", "/w", "--", "x"], "/w", {})).toThrow(message);
  });
});
