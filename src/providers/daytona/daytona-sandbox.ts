import type { Sandbox as SdkSandbox } from "@daytona/sdk";
import { setTimeout as delay } from "node:timers/promises";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { Command, Process, Sandbox } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { createDriverInterpreter } from "../posix/interpreter/driver-interpreter.ts";
import { createWorkspaceFiles } from "../posix/workspace-files.ts";
import { type Account, toThrown } from "./account.ts";
import { scheduleEnd } from "./end-of-life.ts";
import { createImages } from "./images.ts";
import { isGone, type Machine, newGoneError, readState, type Work } from "./machine.ts";
import { pauseSandbox } from "./pause.ts";
import { createPorts } from "./ports.ts";
import { withRetries } from "./retry.ts";
import { createSpooledExec } from "./spooled-exec.ts";
import { startProcess } from "./start-process.ts";
import { isNotFound, readStatus } from "./to-sandbox-error.ts";

const MIB_PER_GIB = 1024;

/** A sandbox that runs and has been set up. */
export function createDaytonaSandbox(parts: Pick<Machine, "account" | "sandbox" | "facts" | "layout">): Sandbox {
  const { account, sandbox, facts, layout } = parts;
  const destroying = new AbortController();
  const machine: Machine = { ...parts, destroyed: destroying.signal };
  const work = createWork(machine);
  const exec = (command: Command, call: Call): Promise<Process> =>
    work(call, () => startProcess(machine, command, call));
  const files = createWorkspaceFiles(createSpooledExec(machine), layout.folders);
  const destroy = async (call: Call): Promise<void> => {
    if (destroying.signal.aborted) return;
    await deleteSandbox(account, sandbox, call);
    destroying.abort();
  };
  const pause = (call: Call) =>
    work(call, async () => {
      const saved = await pauseSandbox(machine, call);
      destroying.abort();
      return saved;
    });
  scheduleEnd(facts.expiresAt, destroying.signal, destroy);
  return {
    id: sandbox.id,
    workspace: layout.folders.workspace,
    expiresAt: facts.expiresAt,
    machine: { cpus: sandbox.cpu, memoryMiB: sandbox.memory * MIB_PER_GIB },
    exec,
    apply: (delta, call) => work(call, () => files.apply(delta, call)),
    list: (call) => work(call, () => files.list(call)),
    collect: (paths, call) => collect(work, call, files.collect(paths, call)),
    destroy,
    images: createImages(sandbox, work),
    ports: createPorts(sandbox, work),
    // Daytona's own gives text alone.
    interpreter: createDriverInterpreter(exec, layout.folders.workspace),
    // One with a GPU is deleted when it stops.
    ...(sandbox.gpu > 0 ? {} : { pause }),
  };
}

async function* collect(work: Work, call: Call, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]();
  try {
    for (let next = await work(call, () => source.next()); !next.done; next = await work(call, () => source.next()))
      yield next.value;
  } finally {
    await source.return?.();
  }
}

function createWork({ account, sandbox, destroyed }: Machine): Work {
  return async (call, work) => {
    call.signal.throwIfAborted();
    if (destroyed.aborted) throw newGoneError();
    try {
      return await work();
    } catch (error) {
      const isOurs = error instanceof SandboxError || call.signal.aborted;
      if (!isOurs && (await isGone(sandbox, toCleanupCall(call).signal))) throw newGoneError();
      throw toThrown(error, call, account);
    }
  };
}

/** How often a deletion is asked for while Daytona is at something else with the sandbox, and how long after each. */
const DELETE_ATTEMPTS = 30;
const DELETE_PAUSE_MS = 400;

/** Ends a sandbox, with what runs in it and all that it holds; one that is gone is fine. */
export async function deleteSandbox(account: Account, sandbox: SdkSandbox, call: Call): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      await withRetries(call, () => sandbox.delete());
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      // While it starts, stops or is saved, Daytona refuses; and somebody else may be deleting it.
      const isBusy = [400, 409].includes(readStatus(error)) && attempt < DELETE_ATTEMPTS && !call.signal.aborted;
      if (!isBusy) throw toThrown(error, call, account);
      if (DELETED.has(await readState(sandbox, call.signal).catch(() => "unknown"))) return;
      await delay(DELETE_PAUSE_MS, undefined, { signal: call.signal }).catch(() => {});
    }
}

const DELETED = new Set(["destroyed", "destroying"]);
