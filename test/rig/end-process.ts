import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

const GRACE_MS = 8_000;

/** Ends a child that leads its own process group, with all that it started: TERM, and KILL after 8 s. */
export async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  signalGroup(child.pid, "SIGTERM");
  const pid = child.pid;
  const timer = setTimeout(() => signalGroup(pid, "SIGKILL"), GRACE_MS);
  await gone;
  clearTimeout(timer);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended in the meantime.
  }
}
