import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Ends the containers of a daemon that was killed, and takes away its mounts: their shims outlive it and name its folder
 * on their command lines.
 */
export async function clearRemains(folder: string): Promise<void> {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(readProcess);
  const ours = new Set(processes.filter(({ commandLine }) => commandLine.includes(`${folder}/`)).map(({ pid }) => pid));
  for (const { pid, parent } of processes) if (ours.has(pid) || ours.has(parent)) killNow(pid);
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  // The innermost first.
  for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).toReversed())
    await run("umount", ["--lazy", mount]);
}

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly commandLine: string;
}

function readProcess(name: string): ProcessFacts {
  const pid = Number(name);
  try {
    const afterName = readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1) ?? "";
    const commandLine = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
    return { pid, parent: Number(afterName.split(" ")[1]), commandLine };
  } catch {
    return { pid, parent: 0, commandLine: "" };
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
