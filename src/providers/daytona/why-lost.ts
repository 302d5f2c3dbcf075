import type { ExitStatus } from "../../core/sandbox.ts";
import { DISK_FULL_NAME } from "./init-script.ts";
import { type Machine, readState } from "./machine.ts";
import { runHelper } from "./run-helper.ts";

const ASK_TIMEOUT_MS = 5000;

/** Finds out why a command ended without telling how: the sandbox, its time, its memory, its disk, or itself. Never rejects. */
export async function whyLost(machine: Machine, aborted: AbortSignal): Promise<ExitStatus> {
  if (isOver(machine)) return lost(OVER);
  if (machine.destroyed.aborted) return lost("The sandbox was destroyed.");
  const timeout = AbortSignal.timeout(ASK_TIMEOUT_MS);
  try {
    const state = await readState(machine.sandbox, timeout);
    if (state !== "started")
      return lost(STATE_REASONS[state] ?? `The sandbox runs no more: at Daytona its state is "${state}".`);
    if (aborted.aborted) return { kind: "signaled", signal: "SIGKILL" };
    const said = await runHelper(
      machine.sandbox,
      ["/bin/sh", "-c", `cat ${machine.layout.tools}/${DISK_FULL_NAME}; exit 0`],
      timeout,
    );
    return lost(readDiskReason(said) ?? toInsideReason(machine));
  } catch {
    return lost("The connection to the sandbox broke and Daytona does not answer.");
  }
}

const OVER = "The sandbox has reached the end of its lifetime.";
const STOPPED = "Daytona stopped the sandbox: somebody asked for that, or nothing was heard of us for an hour.";

const STATE_REASONS: Readonly<Record<string, string>> = {
  destroyed: "The sandbox was destroyed, by somebody else or because Daytona took its machine back.",
  destroying: "The sandbox was destroyed, by somebody else or because Daytona took its machine back.",
  stopping: STOPPED,
  stopped: STOPPED,
  archiving: STOPPED,
  archived: STOPPED,
  error: "The sandbox failed at Daytona: it crashed, or used more than its limits.",
};

function isOver({ facts }: Machine): boolean {
  return Date.now() >= facts.expiresAt.getTime();
}

function readDiskReason(said: string): string | undefined {
  const [usedKiB, limitKiB] = (/^\d+ \d+$/m.exec(said)?.[0] ?? "").split(" ").map(Number);
  if (!usedKiB || !limitKiB) return undefined;
  return (
    `The sandbox stores ${Math.ceil(usedKiB / 1024)} MiB, more than its limit of ${limitKiB / 1024} MiB, so its commands ` +
    "were ended. Delete files in it or raise the limit."
  );
}

function toInsideReason({ sandbox }: Machine): string {
  return (
    "The command was ended from inside the sandbox, together with what watches over it; it may have used up the " +
    `${sandbox.memory * 1024} MiB of memory.`
  );
}

function lost(reason: string): ExitStatus {
  return { kind: "lost", reason };
}
