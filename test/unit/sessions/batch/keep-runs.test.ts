import { describe, expect, it } from "vitest";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { RunRecord } from "../../../../src/sessions/records.ts";
import { selectOldRuns } from "../../../../src/sessions/retention.ts";

const NOW = Date.parse("2026-01-31T00:00:00Z");

function toRun(id: string, changes: Partial<RunRecord> = {}): RunRecord {
  return {
    version: 1,
    id,
    title: "true",
    workspaceRoot: "/w",
    target: DEFAULT_TARGET,
    boundary: "namespaces",
    command: { kind: "argv", argv: ["true"] },
    origin: "test",
    hasPty: false,
    state: "ended",
    requestedAt: new Date(NOW).toISOString(),
    ...changes,
  };
}

/** So many runs, newest first. */
function toRuns(count: number, name: string, changes: Partial<RunRecord> = {}): readonly RunRecord[] {
  return Array.from({ length: count }, (_, index) => toRun(`${name}-${count - index}`, changes));
}

function toBatch(count: number, name: string): readonly RunRecord[] {
  return toRuns(count, name, { batch: { id: name, index: 0 } });
}

describe("runs on record", () => {
  it("stay while they are among the newest hundred, of which a batch is one", () => {
    const runs = [...toRuns(99, "new"), ...toBatch(1000, "batch"), ...toRuns(2, "old")];

    expect(selectOldRuns(runs, NOW).map(({ id }) => id)).toEqual(["old-2", "old-1"]);
  });

  it("go with the whole of their batch, once newer ones have ten thousand", () => {
    const runs = [...toBatch(9000, "third"), ...toBatch(9000, "second"), ...toBatch(2, "first")];

    expect(selectOldRuns(runs, NOW).map(({ id }) => id)).toEqual(["first-2", "first-1"]);
  });

  it("stay all of them when they are the newest batch's, however many", () => {
    expect(selectOldRuns(toBatch(12_000, "batch"), NOW)).toEqual([]);
  });

  it("stay while they go on", () => {
    const runs = [...toRuns(100, "new"), toRun("going", { state: "running" })];

    expect(selectOldRuns(runs, NOW)).toEqual([]);
  });
});
