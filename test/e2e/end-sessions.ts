import { inject } from "vitest";
import { toolNode } from "../../scripts/setup/paths.mjs";
import { runCommand } from "../../scripts/setup/run-command.mjs";

/** Ends what tests left alive, by the installed extension's command line: the second door to the editor's engine. */
export async function endSessions(): Promise<void> {
  const listing = await runCli("sessions");
  const ids = listing.split("\n").flatMap((line) => /^(\S+) {2}/.exec(line)?.slice(1) ?? []);
  for (const id of ids) await runCli("destroy", id);
}

function runCli(...args: readonly string[]): Promise<string> {
  return runCommand([toolNode(), inject("cli"), ...args], { env: { SANDPIPER_STATE: inject("state") } });
}
