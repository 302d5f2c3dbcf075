import { stripVTControlCharacters } from "node:util";
import type { ExecutionError } from "@e2b/code-interpreter";
import type { Call } from "../../core/call.ts";
import type { Cell, CellProcess } from "../../core/interpreter.ts";
import type { ExitStatus } from "../../core/sandbox.ts";
import { type CellChannel, createCellChannel } from "../posix/interpreter/cell-channel.ts";
import { watchProcess } from "../posix/watch-process.ts";
import { giveFilesToUser, interruptContext } from "./code-service.ts";
import type { Machine } from "./machine.ts";
import { isGone } from "./state.ts";
import { toCellOutput } from "./to-cell-output.ts";
import { isNotFound } from "./to-sandbox-error.ts";
import { whyLost } from "./why-lost.ts";

const ASK_TIMEOUT_MS = 10_000;
const GIVE_TIMEOUT_MS = 30_000;

/** What the service says when the kernel, and not the code, came to an end; see `messaging.py` of e2b-dev/code-interpreter. */
const ENDS_OF_KERNELS = new Set(["UnexpectedEndOfExecution", "WebSocketError", "ContextRestarting"]);

/** Sends a cell to the service. The context takes its cells one after the other by itself. */
export function startCell(machine: Machine, cell: Cell, call: Call): CellProcess {
  const { sandbox } = machine;
  const restart = (): Promise<void> => sandbox.restartCodeContext(cell.contextId);
  const channel = createCellChannel((name) => (name === "INT" ? interruptContext(sandbox, cell.contextId) : restart()));
  const watch = watchProcess({
    signal: call.signal,
    destroyed: machine.destroyed,
    expiresAt: machine.expiresAt,
    hasEnded: () => isGone(sandbox, AbortSignal.timeout(ASK_TIMEOUT_MS)),
    kill: () => interruptContext(sandbox, cell.contextId),
    killAll: restart,
  });
  const finish = async (): Promise<void> => {
    const status = await Promise.race([run(machine, cell, channel), whenCut(watch.cut, machine, call)]);
    watch.dispose();
    channel.end(status);
  };
  void finish();
  return channel.process;
}

async function run(machine: Machine, { contextId, code, env }: Cell, channel: CellChannel): Promise<ExitStatus> {
  const { sandbox } = machine;
  try {
    const { error, executionCount } = await sandbox.runCode(code, {
      context: { id: contextId, language: "", cwd: "" },
      ...(env ? { envs: { ...env } } : {}),
      timeoutMs: 0,
      // Each is waited for: a cell is held back by who reads slowly.
      onStdout: ({ line }) => channel.take({ kind: "stdout", data: Buffer.from(line, "utf8") }),
      onStderr: ({ line }) => channel.take({ kind: "stderr", data: Buffer.from(line, "utf8") }),
      onResult: (result) => channel.take({ kind: "output", output: toCellOutput(result) }),
      onError: (raised) => tellError(raised, channel),
    });
    await giveFilesToUser(sandbox, AbortSignal.timeout(GIVE_TIMEOUT_MS)).catch(() => {});
    if (error && ENDS_OF_KERNELS.has(error.name)) return lost(KERNEL_ENDED);
    if (executionCount !== undefined)
      await channel.take({ kind: "output", output: { kind: "count", count: executionCount } });
    return { kind: "exited", code: error ? 1 : 0 };
  } catch (error) {
    if (isNotFound(error)) return lost("The context is gone. Run the cell again.");
    // What Python calls NaN is no JSON.
    if (error instanceof SyntaxError)
      return lost("E2B's interpreter sent a result that can't be read: a table with NaN in it, for example.");
    return whyLost(machine, {
      aborted: new AbortController().signal,
      kill: () => machine.sandbox.restartCodeContext(contextId),
    });
  }
}

const KERNEL_ENDED = "The context's process has ended, with all that it knew. Run the cell again.";

async function tellError({ name, value, traceback }: ExecutionError, channel: CellChannel): Promise<void> {
  if (ENDS_OF_KERNELS.has(name)) return;
  const text = stripVTControlCharacters(traceback);
  await channel.take({ kind: "output", output: { kind: "error", name, value, traceback: text } });
  await channel.take({ kind: "stderr", data: Buffer.from(text.endsWith("\n") ? text : `${text}\n`, "utf8") });
}

/** Resolves once nothing more is to be expected of the service. */
async function whenCut(cut: AbortSignal, machine: Machine, { signal }: Call): Promise<ExitStatus> {
  await new Promise<void>((resolve) => cut.addEventListener("abort", () => resolve(), { once: true }));
  return whyLost(machine, { aborted: signal, kill: async () => {} });
}

function lost(reason: string): ExitStatus {
  return { kind: "lost", reason };
}
