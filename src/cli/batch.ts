import type { ConnectedEngine } from "../host/engine-client.ts";
import type { EngineEvent } from "../sessions/engine.ts";
import type { BatchPlan, BatchRecord } from "../sessions/cloud-records.ts";
import type { RunRecord, RunRequest } from "../sessions/records.ts";
import { toDisplay } from "../core/workspace-path.ts";
import { describeSize } from "../sessions/describe-size.ts";
import { describeBatch } from "./batch-table.ts";
import { type BatchView, createJsonBatchView, createPlainBatchView, createTableBatchView } from "./batch-view.ts";
import type { CliContext } from "./connect.ts";
import { BROKEN_PIPE, toBatchExitCode } from "./exit-code.ts";
import { TerminalOutput } from "./terminal-output.ts";
import { parseWords, withEngine } from "./with-engine.ts";

/** What `sandpiper run --count` was asked. */
export interface BatchArguments {
  readonly plan: BatchPlan;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  /** Whatever has to be asked of the engine first. */
  readonly toRequest: (engine: ConnectedEngine) => Promise<RunRequest>;
}

/** `sandpiper run --count`; resolves with the exit code: 0 when all runs succeeded. @throws {SandboxError} */
export async function runBatch(context: CliContext, asked: BatchArguments): Promise<number> {
  const watch = new BatchWatch(await context.connect());
  const stdout = new TerminalOutput(process.stdout, () => watch.breakOff());
  const stderr = new TerminalOutput(process.stderr);
  const view = toView(stdout, asked);
  context.signals.onSignal(() => watch.stop());
  try {
    const batch = await watch.start(await asked.toRequest(watch.engine), asked.plan, view);
    if (!asked.isJson && !asked.isQuiet) await stderr.write(`${await describeStart(watch.engine, batch)}\n`);
    const last = await watch.waitForEnd(context);
    const exitCode = watch.isBroken ? BROKEN_PIPE : toBatchExitCode(last, watch.isStopped);
    await view.ended(last, exitCode);
    if (!asked.isJson && last.error !== undefined) await stderr.write(`sandpiper: ${last.error}\n`);
    await Promise.all([stdout.flush(), stderr.flush()]);
    return exitCode;
  } finally {
    await watch.engine.dispose();
  }
}

/** `sandpiper batches` */
export async function listBatches(context: CliContext): Promise<number> {
  const { values } = parseWords(context.args, { json: { type: "boolean" } }, 0);
  return await withEngine(context, async (engine, { print, printJson }) => {
    for (const batch of await engine.listBatches()) {
      const { id, providerId, title } = batch;
      await (values.json
        ? printJson(batch)
        : print([id, providerId, toDisplay(title), describeBatch(batch)].join("  ")));
    }
    return 0;
  });
}

function toView(stdout: TerminalOutput, { isJson, isQuiet }: BatchArguments): BatchView {
  if (isJson) return createJsonBatchView(stdout);
  if (isQuiet || !process.stdout.isTTY) return createPlainBatchView(stdout, { isQuiet });
  // Some terminals do not tell.
  return createTableBatchView(stdout, () => ({
    columns: process.stdout.columns || 80,
    rows: process.stdout.rows || 24,
  }));
}

async function describeStart(engine: ConnectedEngine, batch: BatchRecord): Promise<string> {
  const snapshot = (await engine.listSnapshots()).find(({ id }) => id === batch.snapshotId);
  const { count, providerId, concurrency, id } = batch;
  const size = snapshot
    ? ` Each gets ${describeSize(snapshot.totalBytes)}, ${describeSize(snapshot.totalBytes * count)} in all.`
    : "";
  return `sandpiper: Batch ${id}: ${count} runs on ${providerId}, ${concurrency} at once.${size}`;
}

/** The batch that this process waits for, and the connection that leads to it. */
class BatchWatch {
  engine: ConnectedEngine;
  isStopped = false;
  isBroken = false;
  #batchId: string | undefined;
  #last: BatchRecord | undefined;
  #onDidEnd: () => void = () => undefined;

  constructor(engine: ConnectedEngine) {
    this.engine = engine;
  }

  async start(request: RunRequest, plan: BatchPlan, view: BatchView): Promise<BatchRecord> {
    // Of runs that start before the answer is here.
    const early: RunRecord[] = [];
    this.engine.onDidChange((event) => this.#take(event, view, early));
    const batch = await this.engine.startBatch(request, plan);
    this.#batchId = batch.id;
    view.batchChanged(batch);
    for (const run of early) if (run.batch?.id === batch.id) view.runChanged(run);
    const now = (await this.engine.listBatches()).find(({ id }) => id === batch.id);
    if (now?.state === "ended") this.#end(now);
    if (this.isStopped) this.stop();
    return batch;
  }

  /** Resolves with the last record, also when the engine crashes meanwhile. */
  async waitForEnd(context: CliContext): Promise<BatchRecord> {
    const ended = new Promise<void>((resolve) => {
      this.#onDidEnd = resolve;
    });
    if (!this.#last) await Promise.race([ended, this.engine.closed]);
    if (this.#last) return this.#last;
    this.engine = await context.connect();
    const found = (await this.engine.listBatches()).find(({ id }) => id === this.#batchId);
    if (!found) throw new Error("The batch is on record no more.");
    return found;
  }

  stop(): void {
    this.isStopped = true;
    // An engine that is gone has nothing left to stop.
    if (this.#batchId !== undefined) this.engine.stopBatch(this.#batchId).catch(() => undefined);
  }

  /** Nobody reads how it goes. */
  breakOff(): void {
    this.isBroken = true;
    this.stop();
  }

  #take(event: EngineEvent, view: BatchView, early: RunRecord[]): void {
    if (event.type === "run" && event.run.batch) {
      if (this.#batchId === undefined) early.push(event.run);
      else if (event.run.batch.id === this.#batchId) view.runChanged(event.run);
    }
    if (event.type !== "batch" || event.batch.id !== this.#batchId) return;
    if (event.batch.state === "ended") this.#end(event.batch);
    else view.batchChanged(event.batch);
  }

  #end(batch: BatchRecord): void {
    this.#last = batch;
    this.#onDidEnd();
  }
}
