import type { SandboxInfo } from "@e2b/code-interpreter";
import type { ExitStatus } from "../../core/sandbox.ts";
import { explainDiskFull } from "../posix/disk-watch.ts";
import { DISK_FULL_FILE } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { runHelper } from "./run-helper.ts";
import { readInfo } from "./state.ts";

const ASK_TIMEOUT_MS = 5000;
/** E2B's clock starts a little later than ours. */
const CLOCK_SLACK_MS = 3000;

/** What we know of a command that ended without telling how. */
interface LostCommand {
  readonly aborted: AbortSignal;
  /** Ends it, if it still runs where nobody hears it. */
  readonly kill: () => Promise<void>;
}

/** Finds out why a command ended without telling how: the sandbox, its time, its disk, the connection. Never rejects. */
export async function whyLost(machine: Machine, { aborted, kill }: LostCommand): Promise<ExitStatus> {
  if (machine.destroyed.aborted) return lost("The sandbox was destroyed.");
  const timeout = AbortSignal.timeout(ASK_TIMEOUT_MS);
  try {
    const info = await readInfo((options) => machine.sandbox.getInfo(options), timeout);
    if (info?.state !== "running") return lost(toEndReason(info, machine));
    if (aborted.aborted) return { kind: "signaled", signal: "SIGKILL" };
    // What nobody hears any more must not go on changing files.
    await kill().catch(() => {});
    const said = await runHelper(machine.sandbox, ["/bin/sh", "-c", `cat ${DISK_FULL_FILE}; exit 0`], timeout);
    return lost(explainDiskFull(said) ?? CUT);
  } catch {
    return lost("The connection to E2B broke and E2B does not answer.");
  }
}

const CUT =
  "The connection to the command was cut, or the command was ended from inside the sandbox, together with what watches over it.";

function toEndReason(info: SandboxInfo | undefined, { expiresAt, pausesAtEnd, memoryMiB }: Machine): string {
  const isOver = Date.now() > expiresAt.getTime() - CLOCK_SLACK_MS;
  if (info) return isOver && pausesAtEnd ? "The sandbox has paused: its time was up." : "The sandbox was paused.";
  if (isOver) return "The sandbox has reached the end of its lifetime.";
  return `The sandbox is gone: it was destroyed by somebody else, or ended by itself (it has ${memoryMiB} MiB of memory).`;
}

function lost(reason: string): ExitStatus {
  return { kind: "lost", reason };
}
