import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findProgram } from "../../scripts/setup/paths.mjs";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { Target } from "../../src/sessions/records.ts";
import { startTestDaemon } from "../rig/docker/daemon.ts";
import { ensureTestImages, TEST_IMAGE } from "../rig/docker/test-image.ts";
import { whyUnmet } from "../rig/needs.ts";

const exec = promisify(execFile);

/** The tests' Docker daemon, and containers on it for what ours is held against. */
export interface BenchDocker {
  readonly host: string;
  /** Where our runs go. */
  readonly target: Target;
  /** `docker --host …`, for a line for the shell. */
  readonly command: string;
  /** A container like ours that waits, with an empty /tree. @returns its id */
  run(): Promise<string>;
  remove(container: string): Promise<void>;
  /** Removes the containers and gives the daemon back. */
  stop(): Promise<void>;
}

/** @returns why there is none, for people, where this machine can't have one */
export async function startBenchDocker(): Promise<BenchDocker | string> {
  const reason = await whyUnmet("docker");
  if (reason !== undefined) return reason;
  const daemon = await startTestDaemon();
  await ensureTestImages(daemon.socketPath);
  const host = `unix://${daemon.socketPath}`;
  const docker = async (...args: readonly string[]): Promise<string> =>
    (await exec("docker", ["--host", host, ...args])).stdout.trim();
  const containers = new Set<string>();
  const remove = async (container: string): Promise<void> => {
    await docker("rm", "--force", container);
    containers.delete(container);
  };
  return {
    host,
    target: { ...DEFAULT_TARGET, providerId: "docker", image: TEST_IMAGE, options: { host } },
    command: `docker --host ${host}`,
    run: async () => {
      const script = "mkdir /tree; exec sleep 3600";
      const args = ["--detach", "--network", "none", "--entrypoint", "sh", TEST_IMAGE, "-c", script];
      const container = await docker("run", ...args);
      containers.add(container);
      return container;
    },
    remove,
    stop: async () => {
      for (const container of containers) await remove(container);
      await daemon.stop();
    },
  };
}

/**
 * Puts this machine's rsync into a container, with the libraries that it needs.
 * @returns why it can't be used there, for people
 */
export async function installRsync(docker: BenchDocker, container: string): Promise<string | undefined> {
  const program = findProgram("rsync");
  if (program === undefined) return "rsync is not installed";
  try {
    const { stdout } = await exec("ldd", [program]);
    const libraries = [...stdout.matchAll(/=> (\/\S+)/g)]
      .map(([, path]) => path ?? "")
      .filter((path) => !/libc\.so/.test(path));
    const files = [program, ...libraries].map((file) => file.slice(1)).join(" ");
    // Links are followed: libraries are found by the links' names.
    await exec("sh", ["-c", `tar -C / -chf - ${files} | ${docker.command} exec -i ${container} tar -C / -xf -`]);
    await exec("sh", ["-c", `${docker.command} exec ${container} rsync --version`]);
    return undefined;
  } catch (error) {
    return `this machine's rsync does not run in the container (${error instanceof Error ? error.message.split("\n")[0] : ""})`;
  }
}
