import { mkdir, rm } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Spawner } from "./spawner.ts";

/**
 * A script that copies what is in the folder $0 into the folder $1, which is there, with modes, times, links and owners.
 * That something writes to the first meanwhile is no failure.
 */
export const COPY_LIVE = 'tar -C "$0" --numeric-owner -cf - . | tar -C "$1" --numeric-owner -xpf -';

/** The variables of programs on the host. */
const ENV = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };

/** Copies what is in `from`, which nothing changes, into the folder `to`, sharing blocks where the disk can. */
export async function copyTree(spawner: Spawner, from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await run(spawner, "cp", ["-a", "--reflink=auto", `${from}/.`, to]);
}

/** Copies what is in `from` while something may be writing to it. */
export async function copyLiveTree(spawner: Spawner, from: string, to: string): Promise<void> {
  await run(spawner, "sh", ["-c", COPY_LIVE, from, to]);
}

/** Removes a folder whatever modes its own folders have; one that is not there is no error. */
export async function removeTree(spawner: Spawner, folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch {
    await run(spawner, "chmod", ["-R", "u+rwX", folder]);
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(spawner: Spawner, command: string, argv: readonly string[]): Promise<void> {
  const process = await spawner.spawn({ command, argv, env: ENV });
  process.stdin.end();
  process.stdout.resume();
  const [{ code }, said] = await Promise.all([process.ended, text(process.stderr)]);
  if (code !== 0) throw new Error(`${command}: ${said}`);
}
