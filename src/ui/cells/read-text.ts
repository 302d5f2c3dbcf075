import { stat } from "node:fs/promises";
import { toBytesFile } from "../../sessions/run-log-format.ts";
import { type LogStream, readRunLog } from "../../sessions/run-log-reader.ts";
import { type StateFolder, toRunFolder } from "../../sessions/state-folder.ts";
import { EscapeFilter } from "../terminal/escape-filter.ts";

/** What a run has printed, or the end of it. */
export interface PrintedText {
  /** In the order in which it came. */
  readonly pieces: readonly { readonly stream: LogStream; readonly text: string }[];
  /** That come before it and are left out. */
  readonly skippedBytes: number;
}

/** Reads what a run has printed by now. */
export type ReadText = (runId: string) => Promise<PrintedText>;

/** More than that is for an editor, which opens the log as a whole. */
const MAX_TEXT_BYTES = 128 * 1024;

/** Reads from the log on disk, with what is harmless of its colours and nothing else that steers a terminal. */
export function createReadText(state: StateFolder): ReadText {
  return async (runId) => {
    const folder = toRunFolder(state, runId);
    const skippedBytes = Math.max(0, (await sizeOf(toBytesFile(folder))) - MAX_TEXT_BYTES);
    const filters = { stdout: new EscapeFilter(), stderr: new EscapeFilter() };
    const pieces: { stream: LogStream; text: string }[] = [];
    for await (const { stream, data } of readRunLog(folder, skippedBytes)) {
      const text = filters[stream].write(data);
      const last = pieces.at(-1);
      if (last?.stream === stream) last.text += text;
      else if (text !== "") pieces.push({ stream, text });
    }
    return { pieces, skippedBytes };
  };
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
