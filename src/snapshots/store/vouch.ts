import { utimesSync } from "node:fs";
import { hasCode } from "../changes/folder-handle.ts";
import { look } from "../look.ts";

/** Whoever relies on a file says so by its time; garbage collection leaves alone what is younger than an hour. */
export const TOUCH_MS = 10 * 60_000;

/** Whether the file is there; if so it stays for a while. */
export function vouchForFile(file: string): boolean {
  const stat = look(file);
  if (!stat?.isFile()) return false;
  return Date.now() - Number(stat.mtimeMs) < TOUCH_MS || touchFile(file);
}

/** False when it is gone. */
export function touchFile(file: string): boolean {
  const nowSeconds = Date.now() / 1000;
  try {
    utimesSync(file, nowSeconds, nowSeconds);
  } catch (error) {
    // One that somebody else owns stays as long as they say.
    return !hasCode(error, "ENOENT", "ENOTDIR");
  }
  return true;
}
