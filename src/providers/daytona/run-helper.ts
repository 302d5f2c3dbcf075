import type { Sandbox } from "@daytona/sdk";
import { abortable } from "../abortable.ts";
import { toShellCommand } from "./shell-command.ts";

/** Daytona ends what takes longer, with everything that it started. */
const LONGEST_SECONDS = 30;

/** Runs a short command of ours as the user of Daytona's program, without input, to its end. Returns what it printed. */
export async function runHelper(sandbox: Sandbox, argv: readonly string[], signal: AbortSignal): Promise<string> {
  const command = toShellCommand(argv);
  const { result } = await abortable(sandbox.process.executeCommand(command, "/", undefined, LONGEST_SECONDS), signal);
  return result;
}
