import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { CellContext } from "../sessions/cells/cell-context.ts";
import { ACCOUNT_OPTIONS, signIn } from "./account.ts";
import type { CliContext } from "./connect.ts";
import { findSession, WHICH } from "./find-record.ts";
import { UsageError } from "./usage-error.ts";
import { parseWords, withEngine } from "./with-engine.ts";

const OPTIONS = { ...ACCOUNT_OPTIONS, json: { type: "boolean" } } as const;

/** `sandpiper contexts SESSION [restart [CONTEXT]]`: where a session's cells keep their state, and the end of that. */
export async function manageContexts(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 3, WHICH);
  const [word = "", action, which] = words;
  if (action !== undefined && action !== "restart")
    throw new UsageError(`"${action}" cannot be done to contexts. Say: sandpiper contexts SESSION restart [CONTEXT]`);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const { id, target } = await findSession(engine, word);
    await signIn(engine, target.providerId, values, process.env);
    const contexts = await engine.listContexts(id);
    const chosen = which === undefined ? contexts : [findContext(contexts, which)];
    if (action === "restart") for (const { id: contextId } of chosen) await engine.restartContext(id, contextId);
    const shown = action === "restart" ? chosen.map((one) => ({ ...one, count: 0 })) : chosen;
    for (const one of shown) await (values.json ? printJson(one) : print(describe(one)));
    return 0;
  });
}

function describe({ id, path, language, count }: CellContext): string {
  return [id, language, toDisplay(path), count === 1 ? "1 cell" : `${count} cells`].join("  ");
}

// By its file, its id or the beginning of that.
function findContext(contexts: readonly CellContext[], word: string): CellContext {
  const named = contexts.filter(({ path }) => path === word);
  const found = named.length > 0 ? named : contexts.filter(({ id }) => id.startsWith(word));
  if (found.length === 1 && found[0]) return found[0];
  const name = toDisplay(word);
  const message =
    found.length > 1
      ? `"${name}" names ${found.length} contexts. Say which one by its id.`
      : `The session has no context "${name}". List them with: sandpiper contexts SESSION`;
  throw new SandboxError("not-found", message);
}
