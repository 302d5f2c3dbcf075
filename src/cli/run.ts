import { toMessage } from "../core/sandbox-error.ts";
import type { ConnectedEngine } from "../host/engine-client.ts";
import type { RunRecord } from "../sessions/records.ts";
import type { CliContext } from "./connect.ts";
import { BROKEN_PIPE, toExitCode } from "./exit-code.ts";
import { followToEnd } from "./follow-to-end.ts";
import { parseRunArguments, type RunArguments } from "./parse-run.ts";
import { createJsonReporter, createPlainReporter, type Outputs, type RunReporter } from "./run-reporter.ts";
import { TerminalOutput } from "./terminal-output.ts";

/** `sandpiper run`; resolves with the exit code. @throws {UsageError} {@link SandboxError} */
export async function run(context: CliContext): Promise<number> {
  const parsed = parseRunArguments(context.args, context.cwd);
  const engine = await context.connect();
  let current = engine;
  let isBroken = false;
  let runId: string | undefined;
  const stop = (isForced: boolean): void => {
    if (runId !== undefined) current.stopRun(runId, isForced).catch(() => undefined);
  };
  const onDidBreak = (): void => {
    isBroken = true;
    stop(true);
  };
  const outputs = {
    stdout: new TerminalOutput(process.stdout, onDidBreak),
    stderr: new TerminalOutput(process.stderr),
  };
  const reporter = toReporter(outputs, parsed);
  let signalCount = 0;
  context.signals.onSignal((count) => {
    signalCount = count;
    stop(count > 1);
  });
  const record = await engine.startRun(parsed.request);
  runId = record.id;
  // It may have come while the run was being asked for.
  if (signalCount > 0) stop(signalCount > 1);
  watchRecord(engine, reporter, record);
  forwardInput(engine, record.id);
  const last = await followToEnd(context, engine, {
    runId,
    onChunk: (chunk) => reporter.output(chunk),
    onReconnect: (next) => {
      current = next;
      watchRecord(next, reporter, record);
    },
  });
  await finish(current, reporter, { last, parsed });
  await Promise.all([outputs.stdout.flush(), outputs.stderr.flush()]);
  void current.dispose();
  return isBroken ? BROKEN_PIPE : toExitCode(last);
}

function toReporter(outputs: Outputs, { isJson, isQuiet }: RunArguments): RunReporter {
  return isJson
    ? createJsonReporter(outputs)
    : createPlainReporter(outputs, { isQuiet, isTerminal: process.stderr.isTTY });
}

function watchRecord(engine: ConnectedEngine, reporter: RunReporter, record: RunRecord): void {
  reporter.changed(record);
  engine.onDidChange((event) => {
    if (event.type === "run" && event.run.id === record.id) reporter.changed(event.run);
  });
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
  forward().catch((error: unknown) => void toMessage(error));
}
