import { readdir, readlink } from "node:fs/promises";

/** Sends a signal to a process, or to a group by its negated number; one that has ended is no error. */
export function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/**
 * Stops or continues all processes in the PID namespace of `first`. Parents stop before their children and continue after
 * them, so that no shell takes a child for one that a user has suspended.
 */
export async function signalAll(first: number, signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
  const done = new Set<number>();
  for (let fresh = await listNamespace(first); fresh.length > 0;) {
    fresh.sort((one, other) => (signal === "SIGSTOP" ? one - other : other - one));
    for (const pid of fresh) killIfThere(pid, signal);
    fresh.forEach((pid) => done.add(pid));
    // What was born meanwhile.
    fresh = (await listNamespace(first)).filter((pid) => !done.has(pid));
  }
}

async function listNamespace(first: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const wanted = await namespaceOf(first);
  const namespaces = await Promise.all(pids.map(namespaceOf));
  return pids.filter((_, index) => wanted !== undefined && namespaces[index] === wanted);
}

function namespaceOf(pid: number): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);
}
