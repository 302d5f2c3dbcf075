import { readFile } from "node:fs/promises";
import { killIfThere } from "../shared/process-signals.ts";

/** Sends a signal to all that a process has started, by its number on the host, and to what those have started; not to itself. */
export async function signalBelow(pid: number, signal: NodeJS.Signals): Promise<void> {
  for (const child of await listChildren(pid)) {
    await signalBelow(child, signal);
    killIfThere(child, signal);
  }
}

/** Ends them for good. What they start meanwhile goes with its group; only what leaves the group in this moment is missed. */
export async function killBelow(pid: number): Promise<void> {
  for (const child of await listChildren(pid)) {
    const below = await listBelow(child);
    for (const each of [-child, child, ...below]) killIfThere(each, "SIGKILL");
  }
}

async function listBelow(pid: number): Promise<number[]> {
  const children = await listChildren(pid);
  return [...children, ...(await Promise.all(children.map(listBelow))).flat()];
}

async function listChildren(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return children.split(" ").filter(Boolean).map(Number);
}
