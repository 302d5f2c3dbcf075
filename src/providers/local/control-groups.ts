import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** Limits on all that runs in one sandbox together. */
export interface GroupLimits {
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Unlimited when left out. */ readonly maxProcesses?: number;
}

/** Control groups of one sandbox; processes write themselves into `joinFiles`. */
export interface ControlGroups {
  /** Writing "0" into each puts the writer in; [] where we may make no groups. */
  readonly joinFiles: readonly string[];
  /** Whether memory is limited here; else rlimits have to do. */
  readonly limitsMemory: boolean;
  /** How often the kernel has killed for want of memory. */
  countMemoryKills(): number;
  /** Waits a little for what has just been killed to be gone. */
  remove(): Promise<void>;
}

// Joins groups (as itself: 0) and becomes the command after "--"; what it starts is born in them.
const JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 1; shift; done; shift; exec "$@"';

/** What to put in front of a command so that it runs in the groups. */
export function joinGroups({ joinFiles }: ControlGroups): string[] {
  return joinFiles.length > 0 ? ["/bin/sh", "-c", JOIN, "sandpiper", ...joinFiles, "--"] : [];
}

const ROOT = "/sys/fs/cgroup";

/** Makes the groups, as many of them as we may; the kernel's version 2 in one tree or version 1 in a tree per controller. */
export function createControlGroups(name: string, limits: GroupLimits, uid: number): ControlGroups {
  const folders = existsSync(join(ROOT, "cgroup.controllers"))
    ? makeUnified(name, limits, uid)
    : makeLegacy(name, limits);
  const memory = folders.find(
    (folder) => existsSync(join(folder, "memory.max")) || existsSync(join(folder, "memory.limit_in_bytes")),
  );
  return {
    joinFiles: folders.map((folder) => join(folder, "cgroup.procs")),
    limitsMemory: memory !== undefined,
    countMemoryKills: () => (memory ? readKills(memory) : 0),
    remove: async () => {
      for (const folder of folders) await removeGroup(folder);
    },
  };
}

/** Removes the groups of a sandbox that this process did not open. */
export async function removeControlGroups(name: string, uid: number): Promise<void> {
  const folders = ["memory", "pids", "cpu"].map((controller) => join(ROOT, controller, "sandpiper", name));
  for (const folder of [...folders, join(toUnifiedParent(uid), name)])
    if (existsSync(folder)) await removeGroup(folder);
}

async function removeGroup(folder: string): Promise<void> {
  for (let tries = 0; tries < 40; tries++) {
    if (attempt(() => rmdirSync(folder)) || !existsSync(folder)) return;
    await setTimeout(25);
  }
}

function toUnifiedParent(uid: number): string {
  return uid === 0 ? join(ROOT, "sandpiper") : join(ROOT, `user.slice/user-${uid}.slice/user@${uid}.service/sandpiper`);
}

function makeUnified(name: string, limits: GroupLimits, uid: number): string[] {
  const parent = toUnifiedParent(uid);
  const folder = join(parent, name);
  const made = attempt(() => {
    mkdirSync(parent, { recursive: true });
    writeFileSync(join(parent, "cgroup.subtree_control"), "+memory +pids +cpu");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "memory.max"), String(limits.memoryMiB * 1024 * 1024));
    attempt(() => writeFileSync(join(folder, "memory.swap.max"), "0"));
    attempt(() => writeFileSync(join(folder, "memory.oom.group"), "0"));
    writeFileSync(join(folder, "pids.max"), toPidsMax(limits));
    attempt(() => writeFileSync(join(folder, "cpu.max"), `${Math.round(limits.cpus * 100_000)} 100000`));
    // Moving ourselves needs the right to the group we are in as well, which a login session has not.
    if (uid !== 0 && !readFileSync("/proc/self/cgroup", "latin1").includes(`user@${uid}.service`))
      throw new Error("not delegated");
  });
  if (made) return [folder];
  attempt(() => rmdirSync(folder));
  return [];
}

/** Our own processes per run: bubblewrap twice, the supervisor, and some room for several runs at once. */
const SUPERVISORS = 32;

function toPidsMax({ maxProcesses }: GroupLimits): string {
  return maxProcesses === undefined ? "max" : String(maxProcesses + SUPERVISORS);
}

function makeLegacy(name: string, limits: GroupLimits): string[] {
  const settings: readonly (readonly [string, string, string])[] = [
    ["memory", "memory.limit_in_bytes", String(limits.memoryMiB * 1024 * 1024)],
    ["pids", "pids.max", toPidsMax(limits)],
    ["cpu", "cpu.cfs_quota_us", String(Math.round(limits.cpus * 100_000))],
  ];
  return settings.flatMap(([controller, file, value]) => {
    const folder = join(ROOT, controller, "sandpiper", name);
    const made = attempt(() => {
      if (!existsSync(join(ROOT, controller))) throw new Error("no such controller");
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, file), value);
      // Fails where swap is not accounted, and then there is nothing to limit.
      if (controller === "memory") attempt(() => writeFileSync(join(folder, "memory.memsw.limit_in_bytes"), value));
    });
    return made ? [folder] : [];
  });
}

function readKills(folder: string): number {
  for (const file of ["memory.events", "memory.oom_control"]) {
    const path = join(folder, file);
    if (!existsSync(path)) continue;
    const count = /^oom_kill (\d+)$/m.exec(readFileSync(path, "latin1"))?.[1];
    if (count) return Number(count);
  }
  return 0;
}

function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
