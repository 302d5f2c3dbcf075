import type { Call } from "../../core/call.ts";
import type { Cell, CodeContext, Interpreter } from "../../core/interpreter.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { checkWorkspacePath } from "../../core/workspace-path.ts";
import { abortable } from "../abortable.ts";
import { FOLDERS } from "./layout.ts";
import type { Machine, Work } from "./machine.ts";
import { startCell } from "./run-cell.ts";
import { isNotFound } from "./to-sandbox-error.ts";

/** The kernels of E2B's own template, https://e2b.dev/docs/code-interpreting/supported-languages. */
const LANGUAGES = ["python", "javascript", "typescript", "r", "java", "bash"];

/**
 * E2B's own interpreter (https://github.com/e2b-dev/code-interpreter): Jupyter kernels, which run as root. Text that is not
 * UTF-8 comes as its text form, and a string's quotes are left off its text form.
 */
export function createCodeInterpreter(machine: Machine, work: Work): Interpreter {
  const { sandbox } = machine;
  const list = async ({ signal }: Call): Promise<readonly CodeContext[]> => {
    const contexts = await abortable(sandbox.listCodeContexts(), signal);
    return contexts.map(({ id, language }) => ({ id, language }));
  };
  return {
    languages: LANGUAGES,
    createContext: ({ language, cwd }, call) =>
      work(call, async () => {
        if (!LANGUAGES.includes(language))
          throw new SandboxError("unsupported", `E2B runs cells of ${LANGUAGES.join(", ")}, not of ${language}.`);
        const folder =
          cwd && cwd !== "." ? `${FOLDERS.workspace}/${checkWorkspacePath(cwd, "linux")}` : FOLDERS.workspace;
        const { id } = await abortable(sandbox.createCodeContext({ language, cwd: folder }), call.signal);
        return { id, language };
      }),
    listContexts: (call) => work(call, () => list(call)),
    restartContext: (id, call) => work(call, () => abortable(orMissing(sandbox.restartCodeContext(id)), call.signal)),
    removeContext: (id, call) =>
      work(call, async () => {
        try {
          await abortable(sandbox.removeCodeContext(id), call.signal);
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      }),
    run: (cell, call) =>
      work(call, async () => {
        checkCell(cell);
        const context = (await list(call)).find(({ id }) => id === cell.contextId);
        if (!context) throw newMissingError();
        return startCell(machine, cell, call);
      }),
  };
}

/**
 * The service puts variables into a cell as lines of code in front of it, between quotes: a value with one of its own would
 * be taken for code.
 */
function checkCell({ env = {} }: Cell): void {
  for (const [name, value] of Object.entries(env))
    if (/['"\\\r\n$`]/.test(value))
      throw new SandboxError(
        "invalid",
        `The variable ${name} has a quote, a backslash, $ or a line break in it, with which E2B's interpreter can't be given it.`,
      );
}

async function orMissing<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    throw isNotFound(error) ? newMissingError() : error;
  }
}

function newMissingError(): SandboxError {
  return new SandboxError("not-found", "The sandbox has no such context any more. Run the cell again.");
}
