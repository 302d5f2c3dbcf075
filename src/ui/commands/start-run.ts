import { SandboxError } from "../../core/sandbox-error.ts";
import type { RunRecord } from "../../sessions/records.ts";
import { toNoInterpreterError } from "../cells/no-interpreter.ts";
import { type RunInput, saveBeforeRun, toRunRequest } from "../run-request.ts";
import { isLive } from "../run-store.ts";
import { budgetRemedies, EditorError, showError } from "../show-error.ts";
import { askConsent } from "../upload/consent.ts";
import { toUpload } from "../upload/to-upload.ts";
import { requireTrust } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { resolveBlocked } from "./resolve-blocked.ts";

/**
 * Runs it and shows its terminal, or what its cell gives; resolves once the run is on record, or with undefined when the user does not let the
 * folder's files go there. @throws {SandboxError} when it is refused.
 */
export async function startRun(deps: CommandDeps, input: RunInput): Promise<RunRecord | undefined> {
  requireTrust();
  await saveBeforeRun(input);
  if (!(await isAgreedTo(deps, input))) return undefined;
  const engine = await deps.link.get();
  const run = await engine.startRun(toRunRequest(input, deps.terminals.size));
  showLaterError(deps, input, run.id);
  deps.store.putRun(run);
  const isShell = run.command.kind === "shell";
  if (run.command.kind === "cell") (await deps.cells.desk()).panels.show(run, true);
  else await deps.terminals.show(deps.store.run(run.id) ?? run, !isShell);
  return run;
}

function toError(
  { code, message }: NonNullable<RunRecord["error"]>,
  { stopReason, command }: RunRecord,
  { folder }: RunInput,
): SandboxError {
  if (stopReason === "budget") return new EditorError(code, message, budgetRemedies());
  if (command.kind === "cell" && code === "unsupported") return toNoInterpreterError({ folder, command }, message);
  return new SandboxError(code, message);
}

async function isAgreedTo(deps: CommandDeps, input: RunInput): Promise<boolean> {
  const upload = toUpload(input);
  const consent = await askConsent(deps, upload);
  if (consent === "preview") await deps.uploadView.show(upload, input);
  return consent === "send";
}

/** What goes wrong after a run was accepted is said in its terminal; here it gets its remedy. */
function showLaterError(deps: CommandDeps, input: RunInput, runId: string): void {
  const { store, logger } = deps;
  const subscription = store.onDidChange(() => {
    const run = store.run(runId);
    if (!run || isLive(run)) return;
    subscription.dispose();
    if (!run.error || (run.stopReason && run.stopReason !== "budget")) return;
    if (!run.blocked) return showError(toError(run.error, run, input), logger);
    const startAgain = (changed: RunInput) => startRun(deps, changed);
    resolveBlocked(deps, input, run.blocked, startAgain).catch((error: unknown) => showError(error, logger));
  });
}
