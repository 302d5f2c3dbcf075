import { type FileHandle, open } from "node:fs/promises";
import { toBytesFile } from "../sessions/run-log-format.ts";
import { type StateFolder, toRunFolder } from "../sessions/state-folder.ts";
import type { ReadLog } from "./terminal/output-pump.ts";

/** Where the bytes of a run's output are on disk. */
export function logFileOf(state: StateFolder, runId: string): string {
  return toBytesFile(toRunFolder(state, runId));
}

/** Reads logs from the disk, where the engine writes them: output reaches the editor without passing through it. */
export function createReadLog(state: StateFolder): ReadLog {
  return async (runId, fromOffset, maxBytes) => {
    const file = await openIfThere(logFileOf(state, runId));
    // A run that has written nothing has no log yet.
    if (!file) return { data: new Uint8Array(), nextOffset: fromOffset, sizeBytes: 0 };
    try {
      const { size } = await file.stat();
      const data = Buffer.allocUnsafe(Math.max(0, Math.min(maxBytes, size - fromOffset)));
      const { bytesRead } = await file.read(data, 0, data.length, fromOffset);
      return { data: data.subarray(0, bytesRead), nextOffset: fromOffset + bytesRead, sizeBytes: size };
    } finally {
      await file.close();
    }
  };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
