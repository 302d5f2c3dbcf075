import { execFile, spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";

/** A tar that writes an archive. */
interface Packing {
  readonly stdout: Readable;
  readonly stderr: Readable;
  once(event: "close", listener: (code: number | null) => void): unknown;
}

const run = promisify(execFile);

/** Copies what is in `from` into the folder `to`: modes, times, links and owners too, sharing blocks where the disk can. */
export async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await run("cp", ["-a", "--reflink=auto", `${from}/.`, to]);
}

/** The arguments of a tar that packs what is in a folder. */
export function toPacking(folder: string): string[] {
  return ["tar", "-C", folder, "--numeric-owner", "-cf", "-", "."];
}

/** Packs a folder that something may be writing to. */
export function packTree(folder: string): Packing {
  const [tar = "", ...rest] = toPacking(folder);
  return spawn(tar, rest, { stdio: ["ignore", "pipe", "pipe"] });
}

/** Unpacks into a folder that is there. @throws with what the tars said */
export async function unpackTree(packing: Packing, folder: string): Promise<void> {
  const unpacking = spawn("tar", ["-C", folder, "--numeric-owner", "-xpf", "-"], { stdio: ["pipe", "ignore", "pipe"] });
  const [packed, unpacked, ...said] = await Promise.all([
    toCode(packing),
    toCode(unpacking),
    text(packing.stderr),
    text(unpacking.stderr),
    pipeline(packing.stdout, unpacking.stdin),
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
export function toCode(process: Pick<Packing, "once">): Promise<number> {
  return new Promise((resolve) => {
    process.once("close", (code) => resolve(code ?? 128));
  });
}
