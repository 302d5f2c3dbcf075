import type { BatchRecord } from "../sessions/cloud-records.ts";
import type { RunRecord } from "../sessions/records.ts";
import { type BatchRow, describeRow, toBatchRow } from "./batch-rows.ts";
import { describeBatch, drawBatch, type TableSize } from "./batch-table.ts";
import type { TerminalOutput } from "./terminal-output.ts";

/** How a batch is shown while it goes on. */
export interface BatchView {
  batchChanged(batch: BatchRecord): void;
  runChanged(run: RunRecord): void;
  /** What is left to say. */
  ended(batch: BatchRecord, exitCode: number): Promise<void>;
}

/** An object per line; see the help for what they are. */
export function createJsonBatchView(stdout: TerminalOutput): BatchView {
  const print = (event: object): Promise<void> => stdout.write(`${JSON.stringify(event)}\n`);
  return {
    batchChanged: (batch) => void print({ type: "batch", batch }),
    runChanged: (run) => void print({ type: "run", run }),
    ended: async (batch, exitCode) => {
      await print({ type: "batch", batch });
      if (batch.error !== undefined) await print({ type: "error", code: "unavailable", message: batch.error });
      await print({ type: "end", exitCode });
    },
  };
}

/** A line for each run that has ended. */
export function createPlainBatchView(stdout: TerminalOutput, { isQuiet }: { readonly isQuiet: boolean }): BatchView {
  let digits = 1;
  const told = new Set<string>();
  return {
    batchChanged: (batch) => {
      digits = String(batch.count - 1).length;
    },
    runChanged: (run) => {
      if (run.state !== "ended" || told.has(run.id)) return;
      told.add(run.id);
      if (!isQuiet) void stdout.write(`${describeRow(toBatchRow(run), Date.now(), digits)}\n`);
    },
    ended: async (batch) => {
      if (!isQuiet) await stdout.write(`${describeBatch(batch)}\n`);
    },
  };
}

const DRAW_MS = 200;
const MOST_FAILURES = 10;

/** A table that is drawn anew as runs go on. @param readSize of the terminal as it is now */
export function createTableBatchView(stdout: TerminalOutput, readSize: () => TableSize): BatchView {
  const rows = new Map<number, BatchRow>();
  let batch: BatchRecord | undefined;
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = async (): Promise<void> => {
    if (!batch) return;
    const lines = drawBatch(batch, [...rows.values()], readSize(), Date.now());
    // Back to where the last one began, and over it.
    const back = drawn > 0 ? `\u001B[${drawn}A\r\u001B[J` : "";
    drawn = lines.length;
    await stdout.write(`${back}${lines.join("\n")}\n`);
  };
  return {
    batchChanged: (changed) => {
      batch = changed;
      // Times go on while nothing else happens.
      timer ??= setInterval(() => void draw(), DRAW_MS);
    },
    runChanged: (run) => void rows.set(run.batch?.index ?? 0, toBatchRow(run)),
    ended: async (last) => {
      clearInterval(timer);
      batch = last;
      await draw();
      const failures = [...rows.values()].filter(({ kind }) => kind === "failed").slice(0, MOST_FAILURES);
      for (const { index, id } of failures) await stdout.write(`Run ${index} failed: sandpiper logs ${id}\n`);
    },
  };
}
