import { ACCOUNT_OPTIONS, signIn } from "./account.ts";
import type { CliContext } from "./connect.ts";
import { findSession, WHICH } from "./find-record.ts";
import { UsageError } from "./usage-error.ts";
import { parseWords, withEngine } from "./with-engine.ts";

const OPTIONS = { ...ACCOUNT_OPTIONS, token: { type: "boolean" }, json: { type: "boolean" } } as const;

/** `sandpiper port`: prints where a port can be reached; what lets in is a secret, and printed only with `--token`. */
export async function openPort(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 2, WHICH);
  const [word = "", port = ""] = words;
  if (!/^\d{1,5}$/.test(port)) throw new UsageError("Say which port: a number.");
  return await withEngine(context, async (engine, { print, printJson }) => {
    const { id, target } = await findSession(engine, word);
    await signIn(engine, target.providerId, values, process.env);
    const address = await engine.openPort(id, Number(port));
    const { url, token, tokenHeader } = address;
    const secret = tokenHeader === undefined ? token : `${tokenHeader}: ${token}`;
    if (values.json) await printJson(values.token ? address : { url });
    else await print(values.token && secret !== undefined ? `${url}\n${secret}` : url);
    return 0;
  });
}
