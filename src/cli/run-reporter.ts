import type { CellOutput } from "../core/interpreter.ts";
import type { ApplyResult } from "../sessions/engine.ts";
import { toDisplay } from "../core/workspace-path.ts";
import { describeFiles, describeSize } from "../sessions/describe-size.ts";
import type { ReviewedChange, RunRecord } from "../sessions/records.ts";
import type { LogChunk } from "../sessions/run-log-reader.ts";
import { describeApplied, describePending } from "./describe-changes.ts";
import { describeBlocked } from "./describe-upload.ts";
import { FAILED, toExitCode } from "./exit-code.ts";
import { JsonOutput } from "./json-output.ts";
import type { TerminalOutput } from "./terminal-output.ts";

/** How a run is shown while it goes on. */
export interface RunReporter {
  changed(run: RunRecord): void;
  output(chunk: LogChunk): Promise<void>;
  /** What a cell shows. @param saved paths of the files that it was saved as */
  shown(output: CellOutput, saved: readonly string[]): Promise<void>;
  ended(run: RunRecord, changes: readonly ReviewedChange[], applied: ApplyResult | undefined): Promise<void>;
}

/** Where a reporter writes. */
export interface Outputs {
  readonly stdout: TerminalOutput;
  readonly stderr: TerminalOutput;
}

/** An object per line on stdout; see the help for what they are. @param hasMore whether another run follows one that succeeds */
export function createJsonReporter({ stdout }: Outputs, hasMore = false): RunReporter {
  const texts = new JsonOutput();
  const print = (event: object): Promise<void> => stdout.write(`${JSON.stringify(event)}\n`);
  return {
    changed: (run) => void print({ type: "run", run }),
    output: async (chunk) => {
      const event = texts.push(chunk);
      if (event) await print(event);
    },
    shown: (output, saved) => print({ type: "result", output, ...(saved.length > 0 ? { saved } : {}) }),
    ended: async (run, changes, applied) => {
      for (const event of texts.flush()) await print(event);
      if (run.changes) await print({ type: "changes", changes });
      if (applied) await print({ type: "applied", result: applied });
      if (run.error) await print({ type: "error", ...run.error, ...toFindings(run) });
      const exitCode = toExitCode(run);
      if (!hasMore || exitCode !== 0) await print({ type: "end", exitCode });
    },
  };
}

/** With a blocked run comes what blocks it. */
function toFindings({ blocked }: RunRecord): object {
  if (!blocked) return {};
  return blocked.kind === "secrets" ? { findings: blocked.findings } : { largest: blocked.largest };
}

/** The command's bytes as they are; what Sandpiper itself has to say goes to stderr, before the command starts and after it has ended. */
export function createPlainReporter(
  { stdout, stderr }: Outputs,
  { isQuiet, isTerminal }: { readonly isQuiet: boolean; readonly isTerminal: boolean },
): RunReporter {
  let shown = false;
  const showProgress = (text: string): void => {
    if (!isTerminal || isQuiet || (text === "" && !shown)) return;
    shown = text !== "";
    // Overwrites the line that it wrote before.
    void stderr.write(`\r\u001B[2K${text}`);
  };
  return {
    changed: (run) => showProgress(run.state === "preparing" || run.state === "collecting" ? (run.progress ?? "") : ""),
    output: async ({ stream, data }) => {
      showProgress("");
      await (stream === "stdout" ? stdout : stderr).write(data);
    },
    shown: async (output, saved) => {
      // What was raised is on stderr already.
      if (output.kind !== "result") return;
      showProgress("");
      const text = output.data["text/plain"];
      if (text !== undefined) await stdout.write(`${text}\n`);
      for (const file of isQuiet ? [] : saved) await stderr.write(`sandpiper: Saved ${toDisplay(file)}\n`);
    },
    ended: async (run, _changes, applied) => {
      showProgress("");
      const sent = isTerminal && !isQuiet ? describeSent(run) : [];
      for (const line of [...sent, ...toLastLines(run, applied, isQuiet)]) await stderr.write(`sandpiper: ${line}\n`);
    },
  };
}

// What a provider had already is told of with what was sent besides.
function describeSent({ sent, notes = [] }: RunRecord): readonly string[] {
  if (!sent || sent.fileCount === 0 || notes.some((note) => note.startsWith("Mounted "))) return [];
  return [`Sent ${describeFiles(sent.fileCount)}, ${describeSize(sent.totalBytes)}.`];
}

function toLastLines(run: RunRecord, applied: ApplyResult | undefined, isQuiet: boolean): readonly string[] {
  const failures = [
    ...(run.error ? [run.error.message] : []),
    ...(run.blocked ? describeBlocked(run.blocked) : []),
    ...(run.exit?.kind === "lost" ? [run.exit.reason] : []),
  ];
  const stopped = run.stopReason === "timeout" ? ["The command was stopped: its time was up."] : [];
  if (isQuiet) return toExitCode(run) === FAILED ? failures : [];
  const changes = applied ? describeApplied(run.id, applied) : [describePending(run)];
  return [...failures, ...stopped, ...(run.notes ?? []), ...changes].filter((line) => line !== undefined);
}
