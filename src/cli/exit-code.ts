import { constants } from "node:os";
import type { BatchRecord } from "../sessions/cloud-records.ts";
import type { ApplyResult } from "../sessions/engine.ts";
import type { RunRecord } from "../sessions/records.ts";

/** Sandpiper itself failed. */
export const FAILED = 125;
/** What a shell shows for a program that wrote to a pipe nobody reads. */
export const BROKEN_PIPE = 141;

/** What the process that ran a run exits with. */
export function toExitCode(run: RunRecord): number {
  const { exit } = run;
  if (exit?.kind === "signaled") return 128 + toSignalNumber(exit.signal);
  // The command did well, and yet its files are missing.
  if (exit?.kind === "exited") return exit.code === 0 && run.error ? FAILED : exit.code;
  return run.stopReason === undefined || exit ? FAILED : 128 + constants.signals.SIGINT;
}

/** 0 when all of its runs succeeded, 1 when some did not. @param isStopped whether the user asked for its end */
export function toBatchExitCode({ succeeded, count, error }: BatchRecord, isStopped: boolean): number {
  if (succeeded === count) return 0;
  if (isStopped) return 128 + constants.signals.SIGINT;
  return error === undefined ? 1 : FAILED;
}

function toSignalNumber(name: string): number {
  const known = Object.entries(constants.signals).find(([signal]) => signal === name);
  // Signals without a name of their own, such as real-time ones: "SIG34".
  return known ? known[1] : Number(/^SIG(\d+)$/.exec(name)?.[1] ?? 0);
}

/** 1 when something was left for the user to decide. */
export function toApplyCode({ conflicts, held }: ApplyResult): number {
  return conflicts.length + held.length > 0 ? 1 : 0;
}
