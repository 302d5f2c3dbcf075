import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { ConnectedEngine } from "../host/engine-client.ts";
import type { SessionRecord } from "../sessions/records.ts";
import { ACCOUNT_OPTIONS, signIn } from "./account.ts";
import { reviewChangeSet } from "./change-set.ts";
import type { CliContext } from "./connect.ts";
import { findSession, WHICH } from "./find-record.ts";
import { namesTarget, TARGET_OPTIONS, toTarget } from "./parse-target.ts";
import { parseWords, withEngine } from "./with-engine.ts";
import { findWorkspaceRoot } from "./workspace-root.ts";

const OPTIONS = {
  ...ACCOUNT_OPTIONS,
  apply: { type: "boolean" },
  json: { type: "boolean" },
  workspace: { type: "string" },
} as const;

/** `sandpiper pull`: what a session's sandbox holds and nobody has decided about. */
export async function pullSession(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 1);
  const [word] = words;
  return await withEngine(context, async (engine, io) => {
    const session =
      word === undefined
        ? await findWarmSession(engine, findWorkspaceRoot({ cwd: context.cwd, workspace: values.workspace }))
        : await findSession(engine, word);
    await signIn(engine, session.target.providerId, values, process.env);
    const changeSet = await engine.pullSession(session.id);
    return await reviewChangeSet(engine, io, {
      changeSet,
      applies: values.apply ?? false,
      isJson: values.json ?? false,
    });
  });
}

async function findWarmSession(engine: ConnectedEngine, root: string): Promise<SessionRecord> {
  const sessions = await engine.listSessions();
  const found = sessions.find(({ workspaceRoot, state }) => workspaceRoot === root && state === "ready");
  if (found) return found;
  const message = `No session of ${toDisplay(root)} is running. Restore one with: sandpiper snapshots restore ID --session`;
  throw new SandboxError("not-found", message);
}

/** `sandpiper fork`: a second session that goes on from what the first one's sandbox holds. */
export async function forkSession(context: CliContext): Promise<number> {
  const options = { ...TARGET_OPTIONS, ...ACCOUNT_OPTIONS, json: { type: "boolean" } } as const;
  const { words, values } = parseWords(context.args, options, 1, WHICH);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const session = await findSession(engine, words[0] ?? "");
    const target = namesTarget(values) ? toTarget(values, process.env, session.target) : undefined;
    await signIn(engine, (target ?? session.target).providerId, values, process.env);
    const forked = await engine.forkSession(session.id, target);
    await (values.json ? printJson(forked) : print(forked.id));
    return 0;
  });
}
