import { toDisplay } from "../core/workspace-path.ts";
import type { RunRecord } from "../sessions/records.ts";
import { readRunLog } from "../sessions/run-log-reader.ts";
import { toRunFolder } from "../sessions/state-folder.ts";
import { ACCOUNT_OPTIONS, signIn } from "./account.ts";
import type { CliContext } from "./connect.ts";
import { describeApplied, describeChange, describeCounts } from "./describe-changes.ts";
import { describeOutcome } from "./describe-outcome.ts";
import { describeSession, toSessionState } from "./describe-session.ts";
import { toApplyCode } from "./exit-code.ts";
import { findBatch, findChanged, findRun, findSession, WHICH } from "./find-record.ts";
import { TerminalOutput } from "./terminal-output.ts";
import { UsageError } from "./usage-error.ts";
import { parseWords, withEngine } from "./with-engine.ts";

const JSON_OPTION = { json: { type: "boolean" } } as const;

/** `sandpiper sessions` */
export async function listSessions(context: CliContext): Promise<number> {
  const { values } = parseWords(context.args, JSON_OPTION, 0);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const snapshots = await engine.listSnapshots();
    for (const session of await engine.listSessions()) {
      const state = toSessionState(session, snapshots);
      if (values.json) await printJson({ ...session, fate: state });
      // One that never had a sandbox lost nothing: its run has said why.
      else if (session.state !== "ended" || session.sandboxId !== undefined)
        await print(describeSession(session, state));
    }
    return 0;
  });
}

/** `sandpiper destroy` */
export async function destroySession(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, ACCOUNT_OPTIONS, 1, WHICH);
  return await withEngine(context, async (engine) => {
    const session = await findSession(engine, words[0] ?? "");
    await signIn(engine, session.target.providerId, values, process.env);
    await engine.destroySession(session.id);
    return 0;
  });
}

/** `sandpiper runs` */
export async function listRuns(context: CliContext): Promise<number> {
  const { values } = parseWords(context.args, { ...JSON_OPTION, batch: { type: "string" } }, 0);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const batch = values.batch === undefined ? undefined : (await findBatch(engine, values.batch)).id;
    for (const run of await engine.listRuns()) {
      // A thousand runs of a batch would leave nothing else to see.
      const isShown = batch === undefined ? values.json || run.batch === undefined : run.batch?.id === batch;
      if (isShown) await (values.json ? printJson(run) : print(toRow(run)));
    }
    return 0;
  });
}

function toRow(run: RunRecord): string {
  const changes =
    run.changes && run.changes.pending > 0 ? `${describeCounts(run.changes)}, ${run.changes.pending} to decide` : "";
  const index = run.batch ? `#${run.batch.index}` : "";
  const cells = [run.id, index, describeOutcome(run).padEnd(8), run.target.providerId, toDisplay(run.title), changes];
  return cells.filter((cell) => cell !== "").join("  ");
}

/** `sandpiper logs` */
export async function printLog(context: CliContext): Promise<number> {
  const { words } = parseWords(context.args, {}, 1, WHICH);
  return await withEngine(context, async (engine, { stdout }) => {
    const run = await findRun(engine, words[0] ?? "");
    const stderr = new TerminalOutput(process.stderr);
    for await (const { stream, data } of readRunLog(toRunFolder(context.state, run.id))) {
      await (stream === "stdout" ? stdout : stderr).write(data);
    }
    await stderr.flush();
    return 0;
  });
}

/** `sandpiper changes` */
export async function listChanges(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, JSON_OPTION, 1, WHICH);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const { id } = await findChanged(engine, words[0] ?? "");
    for (const change of await engine.readChanges(id))
      await (values.json ? printJson(change) : print(describeChange(change)));
    return 0;
  });
}

/** `sandpiper apply` */
export async function applyChanges(context: CliContext): Promise<number> {
  const options = { ...JSON_OPTION, overwrite: { type: "boolean" } } as const;
  const { words, values } = parseWords(context.args, options, Infinity, WHICH);
  const [word = "", ...paths] = words;
  if (values.overwrite && paths.length === 0) throw new UsageError("Name the files to overwrite.");
  return await withEngine(context, async (engine, { print, printJson }) => {
    const { id } = await findChanged(engine, word);
    const result = await engine.applyChanges(id, paths.length > 0 ? paths : "all", values.overwrite ? paths : []);
    if (values.json) await printJson(result);
    else for (const line of describeApplied(id, result)) await print(line);
    return toApplyCode(result);
  });
}

/** `sandpiper discard` */
export async function discardChanges(context: CliContext): Promise<number> {
  const { words } = parseWords(context.args, {}, Infinity, WHICH);
  const [word = "", ...paths] = words;
  return await withEngine(context, async (engine) => {
    await engine.discardChanges((await findChanged(engine, word)).id, paths.length > 0 ? paths : "all");
    return 0;
  });
}
