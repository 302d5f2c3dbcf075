import type { RunRecord } from "../../sessions/records.ts";
import { type RunInput, saveBeforeRun, toRunRequest } from "../run-request.ts";
import { requireTrust } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";

/** Runs it and shows its terminal; resolves once the run is on record. @throws {SandboxError} when it is refused. */
export async function startRun(deps: CommandDeps, input: RunInput): Promise<RunRecord> {
  requireTrust();
  await saveBeforeRun(input);
  const request = toRunRequest(input, deps.terminals.size);
  const engine = await deps.link.get();
  const run = await engine.startRun(request);
  deps.store.putRun(run);
  const isShell = run.command.kind === "shell";
  deps.terminals.show(deps.store.run(run.id) ?? run, !isShell);
  return run;
}
