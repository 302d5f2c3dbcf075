import { type FileHandle, open } from "node:fs/promises";
import type { CellOutput } from "../../core/interpreter.ts";
import { toResultsFile } from "./results-file.ts";
import { type StateFolder, toRunFolder } from "../state-folder.ts";

/** What a cell has shown from some place of its file on. */
interface ResultsPiece {
  readonly outputs: readonly CellOutput[];
  /** Where the next piece begins. */
  readonly nextOffset: number;
}

/** Reads what there is of a cell's results now; none at their end. */
export type ReadResults = (runId: string, fromOffset: number) => Promise<ResultsPiece>;

/** More at once would fill the memory; what is one result is smaller. */
const MAX_PIECE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

/** Reads results from the disk, where the engine writes them. Lines that make no sense count as a result without forms, so that places stay what they are. */
export function createReadResults(state: StateFolder): ReadResults {
  return async (runId, fromOffset) => {
    const file = await openIfThere(toResultsFile(toRunFolder(state, runId)));
    if (!file) return { outputs: [], nextOffset: fromOffset };
    try {
      const { size } = await file.stat();
      const data = Buffer.allocUnsafe(Math.max(0, Math.min(MAX_PIECE_BYTES, size - fromOffset)));
      const { bytesRead } = await file.read(data, 0, data.length, fromOffset);
      // The last line may not be whole yet.
      const end = data.lastIndexOf(NEWLINE, bytesRead - 1) + 1;
      const lines = data.toString("utf8", 0, end).split("\n").slice(0, -1);
      return { outputs: lines.map(readLine), nextOffset: fromOffset + end };
    } finally {
      await file.close();
    }
  };
}

function readLine(line: string): CellOutput {
  try {
    return toOutput(JSON.parse(line)) ?? NOTHING;
  } catch {
    return NOTHING;
  }
}

const NOTHING: CellOutput = { kind: "result", data: {}, isMain: false };

function toOutput(value: unknown): CellOutput | undefined {
  const { kind, data, isMain, name, value: text, traceback, count } = toRecord(value);
  if (kind === "count") return typeof count === "number" ? { kind, count } : undefined;
  if (kind === "error") return { kind, name: toText(name), value: toText(text), traceback: toText(traceback) };
  if (kind !== "result") return undefined;
  const forms = Object.entries(toRecord(data)).filter((form): form is [string, string] => typeof form[1] === "string");
  return { kind, data: Object.fromEntries(forms), isMain: isMain === true };
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
