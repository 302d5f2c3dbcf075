import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Mount } from "./root-mounts.ts";
import type { SandboxRecord } from "./sandbox-record.ts";

/** The little of the OCI runtime specification (1.0.2, config.md) that we use. */
export interface OciConfig {
  readonly ociVersion: "1.0.2";
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname: string;
  readonly mounts: readonly OciMount[];
  readonly linux: { readonly namespaces: readonly { readonly type: string }[] };
}

interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** A process of an OCI container; also what `runsc exec -process` reads. */
export interface OciProcess {
  readonly terminal: boolean;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly noNewPrivileges: boolean;
  readonly capabilities: Readonly<Record<string, never>>;
}

/** A process without any capability, as the sandbox's user. */
export function toOciProcess(args: readonly string[], env: Readonly<Record<string, string>>, uid: number): OciProcess {
  return {
    terminal: false,
    user: { uid, gid: uid },
    args,
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    cwd: "/",
    noNewPrivileges: true,
    capabilities: {},
  };
}

/** The container that a sandbox's commands run in; its first process ends it after `seconds`. */
export function toOciConfig(record: SandboxRecord, mounts: readonly Mount[], seconds: number): OciConfig {
  const shmKiB = Math.max(1, Math.floor(record.spec.memoryMiB / 2)) * 1024;
  const wait = ["/bin/sh", "-c", `sleep ${Math.ceil(seconds)} & wait $!`];
  return {
    ociVersion: "1.0.2",
    process: toOciProcess(wait, { PATH: "/usr/bin:/bin" }, record.hostUid),
    root: { path: "rootfs", readonly: true },
    hostname: "sandbox",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: [] },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: [] },
      { destination: "/dev/pts", type: "devpts", source: "devpts", options: [] },
      { destination: "/dev/shm", type: "tmpfs", source: "tmpfs", options: [`size=${shmKiB}k`] },
      ...mounts.flatMap(toOciMount),
    ],
    linux: { namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })) },
  };
}

function toOciMount(mount: Mount): OciMount[] {
  if (mount.kind === "link") return [];
  const options = ["rbind", mount.writable ? "rw" : "ro", "nosuid", "nodev"];
  return [{ destination: mount.at, type: "bind", source: mount.source, options }];
}

/** Writes the bundle into `folder`: a root of mount points and links alone, and the config. */
export function writeBundle(folder: string, config: OciConfig, mounts: readonly Mount[]): void {
  const root = join(folder, "rootfs");
  for (const name of ["proc", "dev", "sys"]) mkdirSync(join(root, name), { recursive: true });
  for (const mount of mounts) {
    const place = join(root, mount.at);
    mkdirSync(dirname(place), { recursive: true });
    if (mount.kind === "link") symlinkSync(mount.target, place);
    else if (statSync(mount.source).isDirectory()) mkdirSync(place, { recursive: true });
    else writeFileSync(place, "");
  }
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
}
