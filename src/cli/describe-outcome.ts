import type { RunRecord } from "../sessions/records.ts";

/** How a run ended, or what it does: "exit 0", "SIGKILL", "lost", "blocked", "failed", "running". */
export function describeOutcome({ exit, blocked, error, state }: RunRecord): string {
  if (exit?.kind === "exited") return `exit ${exit.code}`;
  if (exit?.kind === "signaled") return exit.signal;
  if (exit) return "lost";
  if (blocked) return "blocked";
  return error ? "failed" : state;
}
