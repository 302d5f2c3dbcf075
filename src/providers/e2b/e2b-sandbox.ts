import type { Sandbox as SdkSandbox, SandboxInfo } from "@e2b/code-interpreter";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { Command, Process, Sandbox, SavedState } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import { createDriverInterpreter } from "../posix/interpreter/driver-interpreter.ts";
import { createWorkspaceFiles } from "../posix/workspace-files.ts";
import { type Account, toThrown } from "./account.ts";
import { createCodeInterpreter } from "./code-interpreter.ts";
import { startProcess } from "./e2b-process.ts";
import { createImages } from "./images.ts";
import { FOLDERS } from "./layout.ts";
import type { Machine, Work } from "./machine.ts";
import type { Markers } from "./marker.ts";
import type { SandboxFacts } from "./metadata.ts";
import { createPorts } from "./ports.ts";
import { isGone } from "./state.ts";
import { isNotFound, newGoneError } from "./to-sandbox-error.ts";
import { createUpload } from "./upload.ts";

/** A sandbox that runs and has been set up. */
export interface ReadySandbox {
  readonly sandbox: SdkSandbox;
  readonly facts: SandboxFacts;
  readonly info: SandboxInfo;
  /** Whether it has the service that keeps the state of code. */
  readonly isServed: boolean;
  readonly markers: Markers;
}

export function createE2bSandbox(account: Account, ready: ReadySandbox): Sandbox {
  const { sandbox, facts, info, isServed, markers } = ready;
  const destroying = new AbortController();
  const machine: Machine = {
    sandbox,
    facts,
    expiresAt: info.endAt,
    cpus: info.cpuCount,
    memoryMiB: info.memoryMB,
    pausesAtEnd: info.lifecycle?.onTimeout === "pause",
    destroyed: destroying.signal,
  };
  const work = createWork(account, machine);
  const exec = (command: Command, call: Call): Promise<Process> =>
    work(call, () => startProcess(machine, command, call));
  return {
    id: sandbox.sandboxId,
    workspace: FOLDERS.workspace,
    expiresAt: machine.expiresAt,
    machine: { cpus: machine.cpus, memoryMiB: machine.memoryMiB },
    exec,
    ...createWorkspaceFiles(exec, FOLDERS, createUpload(machine, work)),
    destroy: async (call) => {
      if (destroying.signal.aborted) return;
      await terminate(account, sandbox, call);
      destroying.abort();
      await markers.forget(sandbox.sandboxId);
    },
    images: createImages(sandbox, work),
    ports: createPorts(account, sandbox, work),
    interpreter: isServed ? createCodeInterpreter(machine, work) : createDriverInterpreter(exec, FOLDERS.workspace),
    pause: (call) =>
      work(call, async () => {
        const saved = await pause(sandbox, markers, call);
        destroying.abort();
        return saved;
      }),
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
      if (!isOurs && (await isGone(sandbox, toCleanupCall(call).signal))) throw newGoneError();
      throw toThrown(error, call, secrets);
    }
  };
}

/** Ends a sandbox, with what runs in it; one that is gone is fine. */
export async function terminate({ secrets }: Account, sandbox: SdkSandbox, call: Call): Promise<void> {
  try {
    await abortable(sandbox.kill({ signal: call.signal }), call.signal);
  } catch (error) {
    if (!isNotFound(error)) throw toThrown(error, call, secrets);
  }
}

/** E2B keeps what is paused until it is deleted. */
async function pause(sandbox: SdkSandbox, markers: Markers, { signal }: Call): Promise<SavedState> {
  await markers.write(sandbox, signal);
  await abortable(sandbox.pause({ signal }), signal);
  return { id: sandbox.sandboxId };
}
