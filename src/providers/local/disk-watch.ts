import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";
import type { Disposable } from "../../core/disposable-store.ts";

const INTERVAL_MS = 500;

/**
 * Calls `onFull` once when `folder` holds more than `limitMiB`. Cheap while nothing is written: the folder is measured
 * only after its file system has filled up by a tenth of the limit since the last time.
 */
export function watchDisk(folder: string, limitMiB: number, onFull: (reason: string) => void): Disposable {
  let freeAtLastMeasure: number | undefined;
  let measuring = false;
  const look = async (): Promise<void> => {
    const free = await readFreeMiB(folder);
    freeAtLastMeasure ??= free;
    if (freeAtLastMeasure - free < limitMiB / 10) {
      // Space that others freed must not hide what is written from now on.
      freeAtLastMeasure = Math.max(freeAtLastMeasure, free);
      return;
    }
    freeAtLastMeasure = free;
    if ((await measureMiB(folder)) > limitMiB)
      onFull(
        `The sandbox's files grew over their limit of ${limitMiB} MiB. Write less, or raise the limit (setting sandpiper.diskMiB).`,
      );
  };
  const timer = setInterval(() => {
    if (measuring) return;
    measuring = true;
    void look()
      .catch(() => {})
      .finally(() => {
        measuring = false;
      });
  }, INTERVAL_MS);
  return { dispose: () => clearInterval(timer) };
}

async function readFreeMiB(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return (bavail * bsize) / 1024 / 1024;
}

async function measureMiB(folder: string): Promise<number> {
  // Files that vanish meanwhile make du fail, and its sum is good all the same.
  const measured = promisify(execFile)("du", ["-skx", "--", folder]).catch((error: unknown) => {
    return error instanceof Error && "stdout" in error ? { stdout: String(error.stdout) } : { stdout: "0" };
  });
  return Number.parseInt((await measured).stdout, 10) / 1024 || 0;
}
