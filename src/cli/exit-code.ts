import { constants } from "node:os";
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

function toSignalNumber(name: string): number {
  const known = Object.entries(constants.signals).find(([signal]) => signal === name);
  // Signals without a name of their own, such as real-time ones: "SIG34".
  return known ? known[1] : Number(/^SIG(\d+)$/.exec(name)?.[1] ?? 0);
}

/** 1 when something was left for the user to decide. */
export function toApplyCode({ conflicts, held }: ApplyResult): number {
  return conflicts.length + held.length > 0 ? 1 : 0;
}
