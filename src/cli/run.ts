import type { ConnectedEngine } from "../host/engine-client.ts";
import type { RunRecord, RunRequest } from "../sessions/records.ts";
import { signIn } from "./account.ts";
import { runBatch } from "./batch.ts";
import { type CellChoice, chooseCells } from "./cells.ts";
import { createSaveResult, followResults, type SaveResult } from "./cell-results.ts";
import type { CliContext } from "./connect.ts";
import { BROKEN_PIPE, toExitCode } from "./exit-code.ts";
import { findSnapshot } from "./find-record.ts";
import { followToEnd } from "./follow-to-end.ts";
import { parseRunArguments, type RunArguments } from "./parse-run.ts";
import { createJsonReporter, createPlainReporter, type Outputs, type RunReporter } from "./run-reporter.ts";
import { TerminalOutput } from "./terminal-output.ts";

/** `sandpiper run`; resolves with the exit code. @throws {UsageError} {@link SandboxError} */
export async function run(context: CliContext): Promise<number> {
  const parsed = parseRunArguments(context.args, context.cwd, process.env);
  const { plan, isJson, isQuiet } = parsed;
  if (parsed.cell !== undefined) return await runCells(context, parsed, parsed.cell);
  if (!plan) return await runOnce(context, parsed, {});
  return await runBatch(context, { plan, isJson, isQuiet, toRequest: (engine) => toRequest(engine, parsed, context) });
}

// One after the other, for as long as they succeed.
async function runCells(context: CliContext, parsed: RunArguments, choice: CellChoice): Promise<number> {
  const cells = await chooseCells(parsed.request, choice);
  const { results } = parsed;
  for (const [at, { request, stem }] of cells.entries()) {
    const save = results === undefined ? {} : { saveResult: createSaveResult(results, stem) };
    const code = await runOnce(context, { ...parsed, request }, { ...save, hasMore: at + 1 < cells.length });
    if (code !== 0) return code;
  }
  return 0;
}

interface Following {
  readonly saveResult?: SaveResult;
  /** Whether another run follows when it succeeds. */
  readonly hasMore?: boolean;
}

async function runOnce(context: CliContext, parsed: RunArguments, following: Following): Promise<number> {
  const watch = new RunWatch(await context.connect());
  const outputs = {
    stdout: new TerminalOutput(process.stdout, () => watch.breakOff()),
    stderr: new TerminalOutput(process.stderr),
  };
  const reporter = toReporter(outputs, parsed, following);
  context.signals.onSignal((count) => watch.stop(count > 1));
  try {
    const record = await watch.start(await toRequest(watch.engine, parsed, context), reporter);
    if (record.command.kind !== "cell") forwardInput(watch.engine, record.id);
    const results = followResults(context.state, record.id, async (output) =>
      reporter.shown(output, (await following.saveResult?.(output)) ?? []),
    );
    const last = await followToEnd(context, watch.engine, {
      runId: record.id,
      onChunk: (chunk) => reporter.output(chunk),
      onTaken: () => results.read(),
      onReconnect: (engine) => watch.use(engine, reporter),
    });
    await finish(watch.engine, reporter, { last, parsed });
    await Promise.all([outputs.stdout.flush(), outputs.stderr.flush()]);
    return watch.isBroken ? BROKEN_PIPE : toExitCode(last);
  } finally {
    await watch.engine.dispose();
  }
}

// What has to be asked of the engine first, and given to it.
async function toRequest(engine: ConnectedEngine, parsed: RunArguments, context: CliContext): Promise<RunRequest> {
  const { request, snapshot } = parsed;
  await signIn(engine, request.target.providerId, parsed, process.env);
  if (snapshot === undefined) return request;
  return { ...request, snapshotId: (await findSnapshot(engine, snapshot, context)).id };
}

/** The run that this process waits for, and the connection that leads to it at present. */
class RunWatch {
  engine: ConnectedEngine;
  isBroken = false;
  #runId: string | undefined;
  // What was asked for before there was a run to stop.
  #asked: "nothing" | "stop" | "kill" = "nothing";

  constructor(engine: ConnectedEngine) {
    this.engine = engine;
  }

  async start(request: RunRequest, reporter: RunReporter): Promise<RunRecord> {
    const record = await this.engine.startRun(request);
    this.#runId = record.id;
    reporter.changed(record);
    this.use(this.engine, reporter);
    if (this.#asked !== "nothing") this.stop(this.#asked === "kill");
    return record;
  }

  use(engine: ConnectedEngine, reporter: RunReporter): void {
    this.engine = engine;
    engine.onDidChange((event) => {
      if (event.type === "run" && event.run.id === this.#runId) reporter.changed(event.run);
    });
  }

  stop(isForced: boolean): void {
    this.#asked = isForced ? "kill" : "stop";
    // An engine that is gone has nothing left to stop.
    if (this.#runId !== undefined) this.engine.stopRun(this.#runId, isForced).catch(() => undefined);
  }

  /** Nobody reads what the command says. */
  breakOff(): void {
    this.isBroken = true;
    this.stop(true);
  }
}

function toReporter(outputs: Outputs, { isJson, isQuiet }: RunArguments, { hasMore }: Following): RunReporter {
  return isJson
    ? createJsonReporter(outputs, hasMore)
    : createPlainReporter(outputs, { isQuiet, isTerminal: process.stderr.isTTY });
}

async function finish(
  engine: ConnectedEngine,
  reporter: RunReporter,
  { last, parsed }: { last: RunRecord; parsed: RunArguments },
): Promise<void> {
  const hasPending = (last.changes?.pending ?? 0) > 0;
  const applied = parsed.pull === "apply" && hasPending ? await engine.applyChanges(last.id, "all", []) : undefined;
  const changes = parsed.isJson && hasPending ? await engine.readChanges(last.id) : [];
  await reporter.ended(last, changes, applied);
}

// Held back by the engine while the command does not read, so that nothing piles up.
function forwardInput(engine: ConnectedEngine, runId: string): void {
  const forward = async (): Promise<void> => {
    for await (const chunk of process.stdin) {
      if (chunk instanceof Uint8Array) await engine.writeInput(runId, chunk);
    }
    await engine.closeInput(runId);
  };
  // A command that does not read its input, or an engine that went away, is told of elsewhere.
  forward().catch(() => undefined);
}
