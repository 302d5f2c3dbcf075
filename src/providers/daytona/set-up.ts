import type { Sandbox } from "@daytona/sdk";
import type { Call } from "../../core/call.ts";
import type { SandboxSpec } from "../../core/provider.ts";
import { abortable } from "../abortable.ts";
import { type Layout, toLayout } from "./layout.ts";
import { readBase, toAttachCommand, toSetupCommand } from "./setup-script.ts";

const LONGEST_SECONDS = 60;

/** Makes a sandbox that has just been created ready for commands. */
export function setUp(
  sandbox: Sandbox,
  spec: Pick<SandboxSpec, "diskMiB" | "maxProcesses" | "env">,
  call: Call,
): Promise<Layout> {
  return run(sandbox, toSetupCommand(spec), call);
}

/**
 * Finds out where things are in a sandbox that has been set up.
 * @param isAfterStop whether it has been stopped since: what ended with that is started anew
 */
export function attach(sandbox: Sandbox, isAfterStop: boolean, call: Call): Promise<Layout> {
  return run(sandbox, toAttachCommand(isAfterStop), call);
}

async function run(sandbox: Sandbox, command: string, { signal }: Call): Promise<Layout> {
  const ended = sandbox.process.executeCommand(command, "/", undefined, LONGEST_SECONDS);
  return toLayout(readBase((await abortable(ended, signal)).result));
}
