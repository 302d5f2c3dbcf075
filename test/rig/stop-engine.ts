import { existsSync, readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const GRACE_MS = 10_000;

/**
 * Ends the engine that serves this state folder, and whatever else runs on its behalf: it outlives the editor on purpose.
 * They are known by the folder's name in their environment, so that no other engine on this machine is touched.
 */
export async function stopEngine(stateFolder: string): Promise<void> {
  if (!existsSync("/proc")) return;
  const deadline = Date.now() + GRACE_MS;
  for (let pids = findPids(stateFolder); pids.length > 0; pids = findPids(stateFolder)) {
    const signal = Date.now() > deadline ? "SIGKILL" : "SIGTERM";
    for (const pid of pids) send(pid, signal);
    await delay(200);
  }
}

/** Kills the engine that serves this state folder, and nothing else of what it started or serves. */
export function killEngine(stateFolder: string): void {
  const pid = findEngine(stateFolder);
  if (pid !== undefined) send(pid, "SIGKILL");
}

/** The process of the engine that serves this state folder, undefined when there is none. */
export function findEngine(stateFolder: string): number | undefined {
  return findPids(stateFolder).find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8")
      .split("\0")
      .some((part) => part.endsWith("/dist/engine.js")),
  );
}

function findPids(stateFolder: string): readonly number[] {
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => pid !== process.pid && hasVariable(pid, `SANDPIPER_STATE=${stateFolder}`));
}

function hasVariable(pid: number, assignment: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(assignment);
  } catch {
    // It ended, or it is somebody else's.
    return false;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in the meantime.
  }
}
