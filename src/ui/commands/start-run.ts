import { SandboxError } from "../../core/sandbox-error.ts";
import type { RunRecord } from "../../sessions/records.ts";
import { type RunInput, saveBeforeRun, toRunRequest } from "../run-request.ts";
import { isLive } from "../run-store.ts";
import { showError } from "../show-error.ts";
import { requireTrust } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";

/** Runs it and shows its terminal; resolves once the run is on record. @throws {SandboxError} when it is refused. */
export async function startRun(deps: CommandDeps, input: RunInput): Promise<RunRecord> {
  requireTrust();
  await saveBeforeRun(input);
  const request = toRunRequest(input, deps.terminals.size);
  const engine = await deps.link.get();
  const run = await engine.startRun(request);
  showLaterError(deps, run.id);
  deps.store.putRun(run);
  const isShell = run.command.kind === "shell";
  deps.terminals.show(deps.store.run(run.id) ?? run, !isShell);
  return run;
}

/** What goes wrong after a run was accepted is said in its terminal; here it gets its remedy. */
function showLaterError({ store, logger }: CommandDeps, runId: string): void {
  const subscription = store.onDidChange((run) => {
    if (run?.id !== runId || isLive(run)) return;
    subscription.dispose();
    if (run.error && !run.stopReason) showError(new SandboxError(run.error.code, run.error.message), logger);
  });
}
