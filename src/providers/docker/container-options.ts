import type { ContainerCreateOptions } from "dockerode";
import { randomBytes } from "node:crypto";
import type { SandboxSpec } from "../../core/provider.ts";
import { INIT_SCRIPT } from "./init-script.ts";

/** What a sandbox starts from when the spec names no image. */
export const DEFAULT_IMAGE = "docker.io/library/python:3.13-slim";

/** Where the user's files are in a container. */
export const WORKSPACE = "/workspace";
/** What is ours in a container: pid files, and files on their way into the workspace. */
export const PRIVATE_FOLDER = "/.sandpiper";
/** The home folder in a container. */
export const HOME = "/home/sandbox";
/** Every command runs as this user and group; most images have nobody by it. */
export const USER_ID = 1000;

const MARK_LABEL = "sandpiper.sandbox";
const NAME_LABEL = "sandpiper.name";
const EXPIRES_LABEL = "sandpiper.expires";
const OWN_LABEL_PREFIX = "sandpiper.label.";

/** What finds our containers among all others. */
export const SANDBOX_FILTER = { label: [`${MARK_LABEL}=1`] };

const MIB = 1024 * 1024;
const CPU_PERIOD_US = 100_000;
/** For what is ours in the container: its first process with its child, and a supervisor or two. */
const OWN_PROCESSES = 4;
/**
 * gVisor's kernel is a program in the same cgroup: its own threads, and some for each of the commands'. It dies without
 * them; what bounds the commands is `nproc`.
 */
const GVISOR_THREADS = 2048;

/** How the daemon is to run a container. */
export interface ContainerFlavour {
  /** An OCI runtime that the daemon has by that name; its default when left out. */
  readonly runtime?: string;
  readonly isGvisor: boolean;
  readonly expiresAt: Date;
}

/**
 * The container for a sandbox: no capabilities, no new privileges, the default seccomp profile, no root, nothing of the
 * host, bounded memory, processors, processes, files and time. It removes itself when it ends.
 */
export function toContainerOptions(spec: SandboxSpec, flavour: ContainerFlavour): ContainerCreateOptions {
  const lifetimeSeconds = Math.max(1, Math.ceil(spec.lifetimeMs / 1000));
  return {
    name: `sandpiper-${spec.name}-${randomBytes(4).toString("hex")}`,
    Image: spec.image ?? DEFAULT_IMAGE,
    Entrypoint: ["/bin/sh", "-c", INIT_SCRIPT, "sandpiper"],
    Cmd: [String(lifetimeSeconds), String(spec.diskMiB * 1024)],
    User: `${USER_ID}:${USER_ID}`,
    WorkingDir: WORKSPACE,
    Hostname: "sandbox",
    Env: toEnvList({ HOME, USER: "sandbox", LOGNAME: "sandbox", LANG: "C.UTF-8", ...spec.env }),
    Labels: toLabels(spec, flavour.expiresAt),
    Healthcheck: { Test: ["NONE"] },
    StopSignal: "SIGTERM",
    HostConfig: toHostConfig(spec, flavour),
  };
}

function toHostConfig(
  spec: SandboxSpec,
  { runtime, isGvisor }: ContainerFlavour,
): NonNullable<ContainerCreateOptions["HostConfig"]> {
  const memoryBytes = spec.memoryMiB * MIB;
  const diskBytes = spec.diskMiB * MIB;
  const maxProcesses = spec.maxProcesses + OWN_PROCESSES;
  return {
    AutoRemove: true,
    // No `Init`: our first process does an init's work and can't be killed from inside, see INIT_SCRIPT.
    Init: false,
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges"],
    Privileged: false,
    NetworkMode: spec.network === "none" ? "none" : "bridge",
    IpcMode: "private",
    LogConfig: { Type: "none", Config: {} },
    RestartPolicy: { Name: "no" },
    Memory: memoryBytes,
    // The same as Memory means: no swap on top.
    MemorySwap: memoryBytes,
    // Not NanoCpus, which Docker refuses when the host has fewer.
    CpuPeriod: CPU_PERIOD_US,
    CpuQuota: Math.max(1000, Math.round(spec.cpus * CPU_PERIOD_US)),
    PidsLimit: isGvisor ? 4 * maxProcesses + GVISOR_THREADS : maxProcesses,
    Ulimits: [
      // gVisor counts within the sandbox; the host's kernel would count all that user 1000 has anywhere.
      ...(isGvisor ? [{ Name: "nproc", Soft: maxProcesses, Hard: maxProcesses }] : []),
      { Name: "nofile", Soft: 4096, Hard: 4096 },
      { Name: "fsize", Soft: diskBytes, Hard: diskBytes },
      { Name: "core", Soft: 0, Hard: 0 },
    ],
    Tmpfs: { "/tmp": `rw,exec,nosuid,nodev,mode=1777,size=${Math.max(16, Math.floor(spec.memoryMiB / 2))}m` },
    ...(runtime === undefined ? {} : { Runtime: runtime }),
    ...(spec.gpu === undefined ? {} : { DeviceRequests: [{ Driver: "nvidia", Count: -1, Capabilities: [["gpu"]] }] }),
  };
}

/** Which limits a daemon has dropped from a container, as rootless ones do that can't set them; for people. */
export function listDroppedLimits({
  Memory,
  PidsLimit,
}: {
  Memory?: number | undefined;
  PidsLimit?: number | null | undefined;
}): string[] {
  return [...(Memory ? [] : ["memory"]), ...(PidsLimit && PidsLimit > 0 ? [] : ["processes"])];
}

/** As Docker wants an environment. */
export function toEnvList(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

function toLabels(spec: SandboxSpec, expiresAt: Date): Record<string, string> {
  const own = Object.entries(spec.labels).map(([key, value]) => [OWN_LABEL_PREFIX + key, value]);
  return {
    ...Object.fromEntries(own),
    [MARK_LABEL]: "1",
    [NAME_LABEL]: spec.name,
    [EXPIRES_LABEL]: expiresAt.toISOString(),
  };
}

/** What the labels of a container say, or undefined when it is none of ours. */
export function readLabels(
  labels: Readonly<Record<string, string>> | undefined,
): { name: string; labels: Record<string, string>; expiresAt: Date } | undefined {
  const expiresAt = new Date(labels?.[EXPIRES_LABEL] ?? "");
  if (labels?.[MARK_LABEL] !== "1" || Number.isNaN(expiresAt.getTime())) return undefined;
  const own: Record<string, string> = {};
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith(OWN_LABEL_PREFIX)) own[key.slice(OWN_LABEL_PREFIX.length)] = value;
  }
  return { name: labels[NAME_LABEL] ?? "", labels: own, expiresAt };
}
