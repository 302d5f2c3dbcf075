import { appendFileSync, renameSync, statSync } from "node:fs";
import type { Logger } from "../core/logger.ts";

const MAX_LOG_BYTES = 1024 * 1024;
const CHECK_EVERY_LINES = 200;

/** Logs to a file that is renamed to `<file>.1` when it has grown over 1 MiB. A disk that is full silences it. */
export function createFileLogger(file: string, minLevel: "debug" | "info" = "info"): Logger {
  let lines = 0;
  const write = (level: string, message: string): void => {
    try {
      if (lines++ % CHECK_EVERY_LINES === 0) rotate(file);
      appendFileSync(
        file,
        `${new Date().toISOString()} ${process.pid} ${level} ${message.replaceAll("\n", "\n  ")}\n`,
        { mode: 0o600 },
      );
    } catch {
      // Nobody is there to be told.
    }
  };
  return {
    debug: (message) => (minLevel === "debug" ? write("debug", message) : undefined),
    info: (message) => write("info", message),
    warn: (message) => write("warn", message),
    error: (message) => write("error", message),
  };
}

function rotate(file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats && stats.size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
}
