import { toDisplay } from "../core/workspace-path.ts";
import type { ConnectedEngine } from "../host/engine-client.ts";
import { DEFAULT_MAX_FILE_MIB } from "../sessions/default-target.ts";
import type { SessionRecord } from "../sessions/records.ts";
import type { SnapshotRecord } from "../sessions/snapshot-records.ts";
import { ACCOUNT_OPTIONS, type AccountValues, signIn } from "./account.ts";
import { reviewChangeSet } from "./change-set.ts";
import type { CliContext } from "./connect.ts";
import { findSession, findSnapshot, WHICH } from "./find-record.ts";
import { namesTarget, TARGET_OPTIONS, type TargetValues, toTarget } from "./parse-target.ts";
import { UsageError } from "./usage-error.ts";
import { type Io, parseWords, withEngine } from "./with-engine.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  ...ACCOUNT_OPTIONS,
  apply: { type: "boolean" },
  session: { type: "boolean" },
  into: { type: "string" },
  json: { type: "boolean" },
} as const;

/** `sandpiper snapshots restore`: into the workspace through a change set, or into a sandbox. */
export async function restoreSnapshot(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 1, WHICH);
  const intoSandbox = values.session === true || values.into !== undefined;
  if (values.apply && intoSandbox)
    throw new UsageError("--apply writes into the workspace; leave out --session and --into.");
  if (namesTarget(values) && (!intoSandbox || values.into !== undefined))
    throw new UsageError("Where to run is said for a new session: with --session, without --into.");
  return await withEngine(context, async (engine, io) => {
    const snapshot = await findSnapshot(engine, words[0] ?? "", context);
    const { apply: applies = false, json: isJson = false } = values;
    if (intoSandbox) {
      await printSession(io, { snapshot, session: await restoreSession(engine, snapshot, values), isJson });
      return 0;
    }
    const changeSet = await engine.restoreWorkspace(snapshot.id, DEFAULT_MAX_FILE_MIB);
    return await reviewChangeSet(engine, io, { changeSet, applies, isJson });
  });
}

async function restoreSession(
  engine: ConnectedEngine,
  snapshot: SnapshotRecord,
  values: TargetValues & AccountValues & { readonly into?: string | undefined },
): Promise<SessionRecord> {
  const into = values.into === undefined ? undefined : await findSession(engine, values.into);
  const target = into?.target ?? toTarget(values, process.env, snapshot.target);
  await signIn(engine, target.providerId, values, process.env);
  return await engine.restoreSession(snapshot.id, target, into?.id);
}

async function printSession(
  { print, printJson }: Io,
  restored: { readonly snapshot: SnapshotRecord; readonly session: SessionRecord; readonly isJson: boolean },
): Promise<void> {
  const { session, isJson } = restored;
  const { envNames } = restored.snapshot;
  if (isJson) return await printJson(session);
  await print(`${session.id}  ${session.target.providerId}  ${session.boundary}`);
  const names = envNames.map((name) => toDisplay(name)).join(", ");
  if (names !== "") await print(`Its runs were given ${names}: give them again with run --env.`);
}
