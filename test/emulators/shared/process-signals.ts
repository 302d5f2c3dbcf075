import { readFile, readdir, readlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const MAX_TRIES = 200;

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
    for (const pid of fresh) {
      killIfThere(pid, signal);
      if (signal === "SIGSTOP") await untilStopped(pid);
    }
    fresh.forEach((pid) => done.add(pid));
    // What was born meanwhile.
    fresh = (await listNamespace(first)).filter((pid) => !done.has(pid));
  }
}

/** A parent that has not stopped yet would see its child stop. One in an uninterruptible call is not waited for. */
async function untilStopped(pid: number): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // Source: proc_pid_stat(5); stopped, a zombie, or gone.
    if (!/\) [^TtZX] /.test(stat)) return;
    await sleep(1);
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
