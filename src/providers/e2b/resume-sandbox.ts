import type { Sandbox as SdkSandbox } from "@e2b/code-interpreter";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { SandboxSpec } from "../../core/provider.ts";
import type { Sandbox, SavedState } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { checkE2bSpec, toEgress, toLifetimeMs } from "./create-params.ts";
import { describeSandbox, type E2bContext, endOrWarn } from "./create-sandbox.ts";
import { createE2bSandbox } from "./e2b-sandbox.ts";
import { readMetadata } from "./metadata.ts";
import { withRetries } from "./retry.ts";
import { runHelper } from "./run-helper.ts";
import { WATCH_AGAIN_COMMAND } from "./setup-script.ts";
import { readInfo } from "./state.ts";
import { isNotFound, newGoneError, toSandboxError } from "./to-sandbox-error.ts";

const SANDBOX_ID = /^[a-z0-9-]{1,64}$/i;

/** Which paused sandbox to go on with. */
export interface ResumeRequest {
  readonly id: string;
  /** The one that it was created with. */
  readonly spec: SandboxSpec;
  readonly call: Call;
}

/**
 * A sandbox that runs. It keeps the time that it has: E2B is told what is left of it, as it would be given five minutes
 * without being told.
 */
export async function connectSandbox(
  account: Account,
  { markers }: E2bContext,
  id: string,
  call: Call,
): Promise<Sandbox> {
  const found = await findInfo(account, id, call);
  const facts = found && readMetadata(found.metadata);
  // To connect to a paused one would wake it.
  if (!found || !facts || found.state !== "running") throw newGoneError();
  const leftMs = Math.floor((found.endAt.getTime() - Date.now()) / 1000) * 1000;
  if (leftMs < 1000) throw newGoneError();
  const sandbox = await wake(account, { id, timeoutMs: leftMs, call });
  const description = await describeSandbox(sandbox, call);
  return createE2bSandbox(account, { sandbox, facts, markers, ...description });
}

/** Goes on with a paused sandbox; its time begins anew. One whose files are not its latest ends. */
export async function resumeSandbox(
  account: Account,
  { markers }: E2bContext,
  { id, spec, call }: ResumeRequest,
): Promise<Sandbox> {
  checkE2bSpec(spec);
  const paused = await findInfo(account, id, call);
  const facts = paused && readMetadata(paused.metadata);
  if (!facts)
    throw new SandboxError("not-found", "E2B no longer has the paused sandbox: it was deleted. Start a new session.");
  const sandbox = await wake(account, { id, timeoutMs: toLifetimeMs(spec), call });
  try {
    if (!(await markers.isIntact(sandbox, call.signal))) throw newRevertedError();
    // Nobody promises that it survives a pause.
    await abortable(sandbox.updateNetwork(toEgress(spec), { signal: call.signal }), call.signal);
    const [description] = await Promise.all([
      describeSandbox(sandbox, call),
      runHelper(sandbox, WATCH_AGAIN_COMMAND, call.signal),
      markers.write(sandbox, call.signal),
    ]);
    call.signal.throwIfAborted();
    return createE2bSandbox(account, { sandbox, facts, markers, ...description });
  } catch (error) {
    await (isNotFound(error) || isReverted(error)
      ? endOrWarn(account, sandbox, call)
      : pauseAgain(account, sandbox, call));
    throw error;
  }
}

/** A sandbox that paused by itself when its time was up. */
export async function findPaused(account: Account, id: string, call: Call): Promise<SavedState | undefined> {
  const info = await findInfo(account, id, call);
  return info?.state === "paused" ? { id } : undefined;
}

/** Ends a paused sandbox; undefined when the id is none of a sandbox. One that runs, as it was resumed, is left alone. */
export async function deletePaused(account: Account, id: string, call: Call): Promise<"done" | undefined> {
  const info = await findInfo(account, id, call);
  if (info?.state === "paused") await abortable(account.client.Sandbox.kill(id, { signal: call.signal }), call.signal);
  return info && "done";
}

async function findInfo({ client }: Account, id: string, call: Call) {
  if (!SANDBOX_ID.test(id)) return undefined;
  return withRetries(call, () => readInfo((options) => client.Sandbox.getInfo(id, options), call.signal));
}

interface Waking {
  readonly id: string;
  readonly timeoutMs: number;
  readonly call: Call;
}

/** Connecting twice does what connecting once does. */
async function wake({ client }: Account, { id, timeoutMs, call }: Waking): Promise<SdkSandbox> {
  const { signal } = call;
  try {
    return await withRetries(call, () => abortable(client.Sandbox.connect(id, { timeoutMs, signal }), signal));
  } catch (error) {
    throw isNotFound(error) ? newGoneError() : error;
  }
}

function newRevertedError(): SandboxError {
  return new SandboxError(
    "not-found",
    "The paused sandbox came back with older files than it had. It was ended. Restore the session from its last snapshot.",
  );
}

function isReverted(error: unknown): boolean {
  return error instanceof SandboxError && error.code === "not-found";
}

/** What could not be gone on with for now is kept; where that fails, it pauses or ends at the end of its time. */
async function pauseAgain({ secrets }: Account, sandbox: SdkSandbox, call: Call): Promise<void> {
  const { signal } = toCleanupCall(call);
  try {
    await abortable(sandbox.pause({ signal }), signal);
  } catch (failure) {
    call.logger.warn(`A sandbox could not be paused again: ${toSandboxError(failure, secrets).message}`);
  }
}
