import { parseArgs } from "node:util";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { ConnectedEngine } from "../host/engine-client.ts";
import type { RunRecord } from "../sessions/records.ts";
import { readRunLog } from "../sessions/run-log-reader.ts";
import { toRunFolder } from "../sessions/state-folder.ts";
import type { CliContext } from "./connect.ts";
import { describeApplied, describeChange, describeCounts } from "./describe-changes.ts";
import { TerminalOutput } from "./terminal-output.ts";
import { UsageError } from "./usage-error.ts";

type Action = (engine: ConnectedEngine, io: ManageIo) => Promise<number>;

interface ManageIo {
  readonly words: readonly string[];
  readonly isJson: boolean;
  readonly overwrites: boolean;
  readonly context: CliContext;
  readonly print: (line: string) => Promise<void>;
  readonly stdout: TerminalOutput;
}

/** The commands about what there is: sessions, runs, changes. By name. */
export const MANAGE_COMMANDS: Readonly<Record<string, (context: CliContext) => Promise<number>>> = {
  sessions: (context) => manage(context, 0, listSessions),
  destroy: (context) => manage(context, 1, destroySession),
  runs: (context) => manage(context, 0, listRuns),
  logs: (context) => manage(context, 1, printLog),
  changes: (context) => manage(context, 1, listChanges),
  apply: (context) => manage(context, Infinity, applyChanges),
  discard: (context) => manage(context, Infinity, discardChanges),
};

async function manage(context: CliContext, maxWords: number, action: Action): Promise<number> {
  const { words, isJson, overwrites } = parse(context.args);
  if (words.length > maxWords) throw new UsageError(`"${words[maxWords]}" is one word too many.`);
  if (maxWords > 0 && words.length === 0) throw new UsageError("Say which one: an id, or its beginning.");
  const stdout = new TerminalOutput(process.stdout);
  const engine = await context.connect();
  try {
    return await action(engine, {
      words,
      isJson,
      overwrites,
      context,
      stdout,
      print: (line) => stdout.write(`${line}\n`),
    });
  } finally {
    await stdout.flush();
    await engine.dispose();
  }
}

function parse(args: readonly string[]): { words: readonly string[]; isJson: boolean; overwrites: boolean } {
  try {
    const options = { json: { type: "boolean" }, overwrite: { type: "boolean" } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { words: positionals, isJson: values.json ?? false, overwrites: values.overwrite ?? false };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

const listSessions: Action = async (engine, { isJson, print }) => {
  const sessions = await engine.listSessions();
  for (const session of sessions) {
    if (isJson) await print(JSON.stringify(session));
    else if (session.state !== "ended") {
      const until = `until ${session.expiresAt.slice(0, 16).replace("T", " ")} UTC`;
      await print(
        [
          session.id,
          session.state,
          session.target.providerId,
          session.boundary,
          until,
          toDisplay(session.workspaceRoot),
        ].join("  "),
      );
    }
  }
  return 0;
};

const destroySession: Action = async (engine, { words }) => {
  const sessions = await engine.listSessions();
  await engine.destroySession(findById(sessions, words[0] ?? "", "session").id);
  return 0;
};

const listRuns: Action = async (engine, { isJson, print }) => {
  for (const run of await engine.listRuns()) await print(isJson ? JSON.stringify(run) : toRow(run));
  return 0;
};

function toRow(run: RunRecord): string {
  const { exit } = run;
  const outcome =
    exit?.kind === "exited"
      ? `exit ${exit.code}`
      : exit?.kind === "signaled"
        ? exit.signal
        : exit
          ? "lost"
          : run.error
            ? "failed"
            : run.state;
  const changes =
    run.changes && run.changes.pending > 0 ? `${describeCounts(run.changes)}, ${run.changes.pending} to decide` : "";
  return [run.id, outcome.padEnd(8), run.target.providerId, toDisplay(run.title), changes].join("  ").trimEnd();
}

const printLog: Action = async (engine, { words, context, stdout }) => {
  const run = await findRun(engine, words);
  const stderr = new TerminalOutput(process.stderr);
  for await (const { stream, data } of readRunLog(toRunFolder(context.state, run.id))) {
    await (stream === "stdout" ? stdout : stderr).write(data);
  }
  await stderr.flush();
  return 0;
};

const listChanges: Action = async (engine, { words, isJson, print }) => {
  const run = await findRun(engine, words);
  for (const change of await engine.readChanges(run.id))
    await print(isJson ? JSON.stringify(change) : describeChange(change));
  return 0;
};

const applyChanges: Action = async (engine, { words, isJson, overwrites, print }) => {
  const run = await findRun(engine, words);
  const paths = words.slice(1);
  if (overwrites && paths.length === 0) throw new UsageError("Name the files to overwrite.");
  const result = await engine.applyChanges(run.id, paths.length > 0 ? paths : "all", overwrites ? paths : []);
  if (isJson) await print(JSON.stringify(result));
  else for (const line of describeApplied(run.id, result)) await print(line);
  return result.conflicts.length + result.held.length > 0 ? 1 : 0;
};

const discardChanges: Action = async (engine, { words }) => {
  const run = await findRun(engine, words);
  await engine.discardChanges(run.id, words.length > 1 ? words.slice(1) : "all");
  return 0;
};

async function findRun(engine: ConnectedEngine, [word = ""]: readonly string[]): Promise<RunRecord> {
  const runs = await engine.listRuns();
  const newest = runs[0];
  return word === "last" && newest ? newest : findById(runs, word, "run");
}

function findById<T extends { readonly id: string }>(records: readonly T[], start: string, what: string): T {
  const found = records.filter(({ id }) => id.startsWith(start));
  const exact = found.find(({ id }) => id === start) ?? (found.length === 1 ? found[0] : undefined);
  if (exact) return exact;
  const message =
    found.length > 1
      ? `"${toDisplay(start)}" is the beginning of ${found.length} ids. Write more of it.`
      : `There is no ${what} "${toDisplay(start)}". List them with: sandpiper ${what}s`;
  throw new SandboxError("not-found", message);
}
