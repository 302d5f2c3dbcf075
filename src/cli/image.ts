import { ACCOUNT_OPTIONS, signIn } from "./account.ts";
import type { CliContext } from "./connect.ts";
import { findSession, WHICH } from "./find-record.ts";
import { parseWords, withEngine } from "./with-engine.ts";

const OPTIONS = { ...ACCOUNT_OPTIONS, json: { type: "boolean" } } as const;

/** `sandpiper image`: keeps a sandbox's file system; prints what `--image` takes. */
export async function saveImage(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 1, WHICH);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const { id, target } = await findSession(engine, words[0] ?? "");
    await signIn(engine, target.providerId, values, process.env);
    const image = await engine.saveImage(id);
    await (values.json ? printJson(image) : print(image.id));
    return 0;
  });
}
