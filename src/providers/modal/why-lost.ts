import type { ExitStatus } from "../../core/sandbox.ts";
import { abortable } from "../abortable.ts";
import { explainDiskFull } from "../posix/disk-watch.ts";
import { DISK_FULL_FILE } from "./init-script.ts";
import type { Machine } from "./machine.ts";
import { runHelper } from "./run-helper.ts";
import { isNotFound } from "./to-sandbox-error.ts";

const ASK_TIMEOUT_MS = 5000;
/** Modal's clock starts a little later than ours. */
const CLOCK_SLACK_MS = 3000;
/** What `poll` tells of a sandbox that ran out of time, or that was terminated; see `getReturnCode` in the SDK. */
const TIMED_OUT = 124;
const TERMINATED = 137;

/** Finds out why a command ended without telling how: the sandbox, its time, its memory, its disk, or itself. Never rejects. */
export async function whyLost(machine: Machine, aborted: AbortSignal): Promise<ExitStatus> {
  if (machine.destroyed.aborted) return lost("The sandbox was destroyed.");
  const timeout = AbortSignal.timeout(ASK_TIMEOUT_MS);
  const code = await readCode(() => machine.sandbox.poll(), timeout);
  if (code !== null) return toEnd(code, machine);
  if (aborted.aborted) return { kind: "signaled", signal: "SIGKILL" };
  try {
    const said = await runHelper(machine.sandbox, ["/bin/sh", "-c", `cat ${DISK_FULL_FILE}; exit 0`], timeout);
    return lost(explainDiskFull(said) ?? WATCHER_KILLED);
  } catch {
    // It was about to end when we asked.
    return toEnd(await readCode(() => machine.sandbox.wait(), timeout), machine);
  }
}

type EndCode = number | "unknown";

async function readCode<T>(ask: () => Promise<T>, timeout: AbortSignal): Promise<T | EndCode> {
  try {
    return await abortable(ask(), timeout);
  } catch (error) {
    return isNotFound(error) ? TERMINATED : "unknown";
  }
}

function toEnd(code: EndCode, machine: Machine): ExitStatus {
  if (code === "unknown") return lost("The connection to Modal broke and Modal does not answer.");
  return lost(toEndReason(code, machine));
}

const WATCHER_KILLED =
  "The command was ended from inside the sandbox, together with what watches over it; it may have used up the memory.";

function toEndReason(code: number, { facts }: Machine): string {
  const isOver = Date.now() > facts.expiresAt.getTime() - CLOCK_SLACK_MS;
  if (code === TIMED_OUT || isOver) return "The sandbox has reached the end of its lifetime.";
  if (code === TERMINATED)
    return `The sandbox was destroyed, by somebody else or because it used more than its ${facts.memoryMiB} MiB of memory.`;
  return "The sandbox ended by itself: it crashed, or used more than its limits.";
}

function lost(reason: string): ExitStatus {
  return { kind: "lost", reason };
}
