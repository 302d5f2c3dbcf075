import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Copies what is in `from` into the folder `to`: modes, times, links and owners too, sharing blocks where the disk can. */
export async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await run("cp", ["-a", "--reflink=auto", `${from}/.`, to]);
}

/** The same from a folder that something may be writing to, into one that is there. @throws with what tar said */
export async function copyLiveTree(from: string, to: string): Promise<void> {
  const pack = spawn("tar", ["-C", from, "--numeric-owner", "-cf", "-", "."], { stdio: ["ignore", "pipe", "pipe"] });
  const unpack = spawn("tar", ["-C", to, "--numeric-owner", "-xpf", "-"], { stdio: ["pipe", "ignore", "pipe"] });
  const [packed, unpacked, ...said] = await Promise.all([
    toCode(pack),
    toCode(unpack),
    text(pack.stderr),
    text(unpack.stderr),
    pipeline(pack.stdout, unpack.stdin),
  ]);
  // 1 says that a file changed while it was read, which is the affair of whoever writes it.
  if (packed > 1 || unpacked !== 0) throw new Error(`tar: ${said.join("")}`);
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

/** A process's exit code, 128 by a signal, when its streams have closed. */
export function toCode(process: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    process.once("close", (code) => resolve(code ?? 128));
  });
}
