import type { Sandbox as SdkSandbox } from "modal";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { Command, Process, SavedState, Sandbox } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import { createDriverInterpreter } from "../posix/interpreter/driver-interpreter.ts";
import { createWorkspaceFiles } from "../posix/workspace-files.ts";
import { type Account, toThrown } from "./account.ts";
import { FOLDERS } from "./layout.ts";
import { type Machine, type Work, createPerlQuestion } from "./machine.ts";
import { startProcess } from "./modal-process.ts";
import { createPorts } from "./ports.ts";
import { createDirectorySnapshots, createImages } from "./saved-state.ts";
import type { SandboxFacts } from "./tags.ts";
import { isNotFound } from "./to-sandbox-error.ts";

/** Modal deletes a memory snapshot after 7 days, https://modal.com/docs/guide/sandbox-snapshots. */
const MEMORY_KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/** A sandbox that runs and has been set up. @param hasPerl left out when that is not known yet */
export function createModalSandbox(
  account: Account,
  sandbox: SdkSandbox,
  facts: SandboxFacts,
  hasPerl?: boolean,
): Sandbox {
  const destroying = new AbortController();
  const machine: Machine = {
    sandbox,
    facts,
    destroyed: destroying.signal,
    hasPerl: createPerlQuestion(sandbox, hasPerl),
  };
  const work = createWork(account, machine);
  const exec = (command: Command, call: Call): Promise<Process> =>
    work(call, () => startProcess(machine, command, call));
  const destroy = async (call: Call): Promise<void> => {
    if (destroying.signal.aborted) return;
    await terminate(account, sandbox, call);
    destroying.abort();
    sandbox.detach();
  };
  return {
    id: sandbox.sandboxId,
    workspace: FOLDERS.workspace,
    expiresAt: facts.expiresAt,
    exec,
    ...createWorkspaceFiles(exec, FOLDERS),
    interpreter: createDriverInterpreter(exec, FOLDERS.workspace),
    destroy,
    directorySnapshots: createDirectorySnapshots(account, machine, work),
    images: createImages(machine, work),
    ports: createPorts(sandbox, work),
    ...(facts.canPause ? { pause: (call: Call) => work(call, () => pause(sandbox, destroy, call)) } : {}),
  };
}

function createWork({ secrets }: Account, { sandbox, destroyed }: Machine): Work {
  return async (call, work) => {
    call.signal.throwIfAborted();
    if (destroyed.aborted) throw newGoneError();
    try {
      return await work();
    } catch (error) {
      const isOurs = error instanceof SandboxError || call.signal.aborted;
      if (!isOurs && (await isGone(sandbox, toCleanupCall(call)))) throw newGoneError();
      throw toThrown(error, call, { secrets });
    }
  };
}

/** Ends a sandbox, with what runs in it; one that is gone is fine. */
export async function terminate({ secrets }: Account, sandbox: SdkSandbox, call: Call): Promise<void> {
  try {
    await abortable(sandbox.terminate(), call.signal);
  } catch (error) {
    if (!isNotFound(error)) throw toThrown(error, call, { secrets });
  }
}

/** Whether it certainly does not run any more. */
export async function isGone(sandbox: SdkSandbox, { signal }: Call): Promise<boolean> {
  try {
    return (await abortable(sandbox.poll(), signal)) !== null;
  } catch (error) {
    return isNotFound(error);
  }
}

/** What a sandbox that does not run is told as. */
export function newGoneError(): SandboxError {
  return new SandboxError("not-found", "The sandbox is gone. Start a new session.");
}

async function pause(sandbox: SdkSandbox, destroy: (call: Call) => Promise<void>, call: Call): Promise<SavedState> {
  const savedAt = Date.now();
  const snapshot = await abortable(sandbox.experimentalSnapshot(), call.signal);
  // Modal ends it itself on its newer backend; on the older one it would go on, and cost.
  await destroy(toCleanupCall(call));
  return { id: snapshot.snapshotId, expiresAt: new Date(savedAt + MEMORY_KEPT_MS) };
}
