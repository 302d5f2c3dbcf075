import type { NetworkPolicy } from "../../core/provider.ts";
import type { Mount } from "./root-mounts.ts";

/** What one command's namespaces are made of. */
export interface BwrapPlan {
  readonly mounts: readonly Mount[];
  readonly network: NetworkPolicy;
  readonly env: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly memoryMiB: number;
  /** From bubblewrap 0.8 on. */
  readonly canDisableUserNamespaces: boolean;
  /** A compiled seccomp filter to load, when there is one. */
  readonly seccompFd?: number;
}

/** uid and gid of the one user inside. */
export const INSIDE_UID = 1000;

/**
 * bubblewrap's options, without the command; they go through `--args`, where other users cannot read the environment.
 * The network policy `full` shares the host's network as it is: what listens on its loopback, abstract sockets and cloud
 * metadata can be reached then.
 */
export function toBwrapArguments(plan: BwrapPlan): string[] {
  const shmBytes = Math.max(1, Math.floor(plan.memoryMiB / 2)) * 1024 * 1024;
  const options = ["--unshare-all", "--unshare-user", "--new-session", "--die-with-parent", "--clearenv"];
  if (plan.network === "full") options.push("--share-net");
  if (plan.canDisableUserNamespaces) options.push("--disable-userns");
  options.push(
    "--cap-drop",
    "ALL",
    "--uid",
    String(INSIDE_UID),
    "--gid",
    String(INSIDE_UID),
    "--hostname",
    plan.hostname,
  );
  for (const [name, value] of Object.entries(plan.env)) options.push("--setenv", name, value);
  options.push(
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--perms",
    "1777",
    "--size",
    String(shmBytes),
    "--tmpfs",
    "/dev/shm",
  );
  for (const mount of plan.mounts) options.push(...toMountArguments(mount));
  // What bwrap made itself is in memory and would be a way around the disk limit.
  options.push("--remount-ro", "/dev", "--remount-ro", "/");
  if (plan.seccompFd !== undefined) options.push("--seccomp", String(plan.seccompFd));
  return options;
}

function toMountArguments(mount: Mount): string[] {
  if (mount.kind === "link") return ["--symlink", mount.target, mount.at];
  return [mount.writable ? "--bind" : "--ro-bind", mount.source, mount.at];
}
