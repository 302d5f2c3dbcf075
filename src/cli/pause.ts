import type { ConnectedEngine } from "../host/engine-client.ts";
import type { SessionRecord } from "../sessions/records.ts";
import { ACCOUNT_OPTIONS, signIn } from "./account.ts";
import type { CliContext } from "./connect.ts";
import { describeSession, toSessionState } from "./describe-session.ts";
import { findSession, WHICH } from "./find-record.ts";
import { parseWords, withEngine } from "./with-engine.ts";

const OPTIONS = { ...ACCOUNT_OPTIONS, json: { type: "boolean" } } as const;

/** `sandpiper pause` */
export async function pauseSession(context: CliContext): Promise<number> {
  return await change(context, (engine, id) => engine.pauseSession(id));
}

/** `sandpiper resume` */
export async function resumeSession(context: CliContext): Promise<number> {
  return await change(context, (engine, id) => engine.resumeSession(id));
}

/** Prints the session as it is then. */
async function change(
  context: CliContext,
  act: (engine: ConnectedEngine, sessionId: string) => Promise<SessionRecord>,
): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 1, WHICH);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const { id, target } = await findSession(engine, words[0] ?? "");
    await signIn(engine, target.providerId, values, process.env);
    const session = await act(engine, id);
    await (values.json ? printJson(session) : print(describeSession(session, toSessionState(session, []))));
    return 0;
  });
}
