import { randomBytes } from "node:crypto";
import type { Call } from "../../../core/call.ts";
import type { Cell, CellProcess, CodeContext, Interpreter } from "../../../core/interpreter.ts";
import { SandboxError } from "../../../core/sandbox-error.ts";
import { checkWorkspacePath } from "../../../core/workspace-path.ts";
import { abortable } from "../../abortable.ts";
import { Driver, type Exec } from "./driver.ts";

const LANGUAGE = "python";

interface Context extends CodeContext {
  readonly cwd: string | undefined;
  driver: Driver | undefined;
  /** Resolves when its last cell has ended. */
  turn: Promise<unknown>;
}

/**
 * An interpreter for sandboxes that have none of their own: a Python process per context, started by its first cell. A
 * context whose process died stays, and has to be restarted; contexts end with the connection to the sandbox.
 * @param workspace absolute path in the sandbox
 */
export function createDriverInterpreter(exec: Exec, workspace: string): Interpreter {
  const contexts = new Map<string, Context>();
  const find = (id: string): Context => {
    const context = contexts.get(id);
    if (!context) throw new SandboxError("not-found", "The sandbox has no such context any more. Run the cell again.");
    return context;
  };
  const stop = async (context: Context, reason: string): Promise<void> => {
    const { driver } = context;
    context.driver = undefined;
    await driver?.kill(reason);
  };
  return {
    languages: [LANGUAGE],
    createContext: async ({ language, cwd }, call) => {
      call.signal.throwIfAborted();
      if (language !== LANGUAGE)
        throw new SandboxError("unsupported", `This provider runs cells of Python alone, not of ${language}.`);
      if (cwd !== undefined) checkWorkspacePath(cwd, "linux");
      const context = { id: randomBytes(8).toString("hex"), language, cwd, driver: undefined, turn: Promise.resolve() };
      contexts.set(context.id, context);
      return { id: context.id, language };
    },
    listContexts: async () => [...contexts.values()].map(({ id, language }) => ({ id, language })),
    restartContext: async (id) => await stop(find(id), "The context was restarted."),
    removeContext: async (id) => {
      const context = contexts.get(id);
      contexts.delete(id);
      if (context) await stop(context, "The context was removed.");
    },
    run: async (cell, call) => {
      const context = find(cell.contextId);
      return await inTurn(context, call, async () => {
        const driver = await open(exec, context, call);
        return await driver.run(toDriverCell(cell, workspace), call);
      });
    },
  };
}

async function inTurn(context: Context, { signal }: Call, start: () => Promise<CellProcess>): Promise<CellProcess> {
  const before = context.turn;
  const started = abortable(before, signal).then(start);
  context.turn = started.then(
    ({ exit }) => exit,
    () => before,
  );
  return await started;
}

async function open(exec: Exec, context: Context, call: Call): Promise<Driver> {
  call.signal.throwIfAborted();
  if (context.driver?.state === "lost")
    throw new SandboxError("not-found", "The context's process has ended. Restart the context.");
  if (context.driver?.state === "running") return context.driver;
  context.driver = await Driver.start(exec, context.cwd, call);
  return context.driver;
}

function toDriverCell({ code, env, path }: Cell, workspace: string): Parameters<Driver["run"]>[0] {
  if (path === undefined) return { code, ...(env ? { env } : {}) };
  return { code, ...(env ? { env } : {}), path, file: `${workspace}/${checkWorkspacePath(path, "linux")}` };
}
