import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { chown, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { SCRIPTS, type ScriptPaths } from "../posix/supervise.ts";
import { LIMIT_SCRIPT } from "./limit-script.ts";
import type { Mount } from "./root-mounts.ts";

/** Folders inside every local sandbox. The private one is for staging; it is on the workspace's file system. */
export const INSIDE = {
  home: "/home/sandbox",
  workspace: "/home/sandbox/workspace",
  private: "/home/sandbox/.sandpiper",
} as const;

/** Where a local sandbox has the supervisor's scripts. */
export const SCRIPT_PATHS: ScriptPaths & { readonly limit: string } = {
  shell: "/etc/sandpiper/supervise.sh",
  perl: "/etc/sandpiper/supervise.pl",
  limit: "/etc/sandpiper/limit.sh",
};

/** Path below /etc -> text of the files there that we write: one user, this host, our scripts. */
export const toEtcFiles = (uid: number): Readonly<Record<string, string>> => ({
  "sandpiper/supervise.sh": SCRIPTS.shell,
  "sandpiper/supervise.pl": SCRIPTS.perl,
  "sandpiper/limit.sh": LIMIT_SCRIPT,
  passwd: `sandbox:x:${uid}:${uid}:sandbox:${INSIDE.home}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n`,
  group: `sandbox:x:${uid}:\nnogroup:x:65534:\n`,
  hosts: "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
});

/** Makes the folder of a new sandbox. `uid` owns it on the host, and is called `insideUid` inside. */
export async function createSandboxFolder(folder: string, uid: number, insideUid: number): Promise<void> {
  // Nobody gets here through the state folder; as root, its user needs to get through this one.
  await mkdir(folder, { recursive: true, mode: 0o711 });
  for (const name of ["etc", "etc/sandpiper", "runs", "shown"]) await mkdir(join(folder, name), { mode: 0o755 });
  for (const [name, text] of Object.entries(toEtcFiles(insideUid)))
    await writeFile(join(folder, "etc", name), text, { mode: 0o644 });
  for (const name of ["home", "tmp", "home/workspace", "home/.sandpiper"]) {
    await mkdir(join(folder, name), { mode: 0o700 });
    if (process.getuid?.() === 0) await chown(join(folder, name), uid, uid);
  }
}

/** What of its own folder, a POSIX path, a sandbox sees. */
export function listOwnMounts(folder: string): Mount[] {
  const names = Object.keys(toEtcFiles(0)).filter((name) => !name.includes("/"));
  const etc = ["sandpiper", ...names].map((name): Mount => {
    return { kind: "bind", source: `${folder}/etc/${name}`, at: `/etc/${name}`, writable: false, reachable: false };
  });
  return [
    { kind: "bind", source: `${folder}/tmp`, at: "/tmp", writable: true, reachable: false },
    { kind: "bind", source: `${folder}/home`, at: INSIDE.home, writable: true, reachable: false },
    { kind: "link", target: "/tmp", at: "/var/tmp" },
    ...etc,
  ];
}

/** Makes a file or a folder in `shown/` for each of `paths`, to mount it over. */
export function prepareShown(folder: string, paths: readonly string[]): void {
  paths.forEach((path, index) => {
    const place = join(folder, "shown", String(index));
    const isFolder = statSync(path).isDirectory();
    if (existsSync(place) && statSync(place).isDirectory() === isFolder) return;
    rmSync(place, { recursive: true, force: true });
    if (isFolder) mkdirSync(place);
    else writeFileSync(place, "");
  });
}

/** Removes it, whatever modes and depths are in it. Nothing may run in it any more. */
export async function removeSandboxFolder(folder: string): Promise<void> {
  const run = promisify(execFile);
  // The record first: from then on the sandbox is gone for everybody.
  await rm(join(folder, "record.json"), { force: true });
  if (process.platform === "win32") {
    await rm(folder, { recursive: true, force: true });
    return;
  }
  try {
    await run("rm", ["-rf", "--", folder]);
  } catch {
    await run("chmod", ["-R", "u+rwX", "--", folder]).catch(() => {});
    await run("rm", ["-rf", "--", folder]);
  }
}

/** Notes a running process of a sandbox, so that whoever destroys it can end it. Returns how to take the note back. */
export function noteRun(folder: string, pid: number): () => void {
  const file = join(folder, "runs", String(pid));
  try {
    writeFileSync(file, readStartTime(pid) ?? "");
  } catch {
    // The sandbox is being destroyed at this very moment: nobody may be left to do it.
    killQuietly(pid);
  }
  return () => rmSync(file, { force: true });
}

/** Kills the noted processes that are still the ones which were noted. */
export function killNotedRuns(folder: string): void {
  const runs = join(folder, "runs");
  if (!existsSync(runs)) return;
  for (const name of readdirSync(runs)) {
    const pid = Number(name);
    const startTime = readStartTime(pid);
    if (!startTime || startTime !== readFileSync(join(runs, name), "latin1")) continue;
    killQuietly(pid);
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

/** Field 22 of /proc/PID/stat, or what ps says where there is no /proc: with the pid it names one process for good. */
function readStartTime(pid: number): string | undefined {
  if (!Number.isInteger(pid)) return undefined;
  if (!existsSync("/proc/self/stat"))
    return spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim() || undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
