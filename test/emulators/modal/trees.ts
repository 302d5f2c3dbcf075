import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Copies what is in `from` into the folder `to`: modes, times, links and owners too, sharing blocks where the disk can. */
export async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await run("cp", ["-a", "--reflink=auto", `${from}/.`, to]);
}

/** Removes a folder whatever modes its own folders have; one that is not there is no error. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch {
    await run("chmod", ["-R", "u+rwX", folder]);
    await rm(folder, { recursive: true, force: true });
  }
}
