import { appendFile, mkdir } from "node:fs/promises";
import * as vscode from "vscode";
import type { CellOutput } from "../../../../src/core/interpreter.ts";
import { toResultsFile } from "../../../../src/sessions/cells/results-file.ts";
import type { RunRecord } from "../../../../src/sessions/records.ts";
import { encodeHeader, encodeRecord, toBytesFile, toIndexFile } from "../../../../src/sessions/run-log-format.ts";
import { type StateFolder, toRunFolder } from "../../../../src/sessions/state-folder.ts";
import { fakeDocument, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeRun } from "../fake-engine.ts";

/** A cell of plot.py that has run well, but for what is given. */
export function cellRun(overrides: Partial<RunRecord> = {}, code = "\n\nprint(1)"): RunRecord {
  const command = { kind: "cell", path: "plot.py", language: "python", code } as const;
  return fakeRun({ title: "plot.py:2-3", command, hasPty: false, cellCount: 1, sessionId: "s-1", ...overrides });
}

/** Writes what a cell shows to where the engine writes it. */
export async function writeResults(
  folder: StateFolder,
  runId: string,
  ...outputs: readonly CellOutput[]
): Promise<void> {
  await writeRaw(folder, runId, outputs.map((output) => `${JSON.stringify(output)}\n`).join(""));
}

/** The same, of any text. */
export async function writeRaw(folder: StateFolder, runId: string, text: string): Promise<void> {
  await mkdir(toRunFolder(folder, runId), { recursive: true });
  await appendFile(toResultsFile(toRunFolder(folder, runId)), text);
}

/** Writes what a cell prints to where the engine writes it: a log of these pieces. */
export async function writeLog(
  folder: StateFolder,
  runId: string,
  ...pieces: readonly (readonly ["stdout" | "stderr", string])[]
): Promise<void> {
  const run = toRunFolder(folder, runId);
  await mkdir(run, { recursive: true });
  await appendFile(toIndexFile(run), encodeHeader());
  for (const [stream, text] of pieces) {
    await appendFile(toBytesFile(run), text);
    await appendFile(toIndexFile(run), encodeRecord({ stream, length: Buffer.byteLength(text), time: 0 }));
  }
}

/** Opens a file of the folder in the editor, with the cursor in that line. */
export function openFile(text: string, line = 0, path = "/ws/plot.py") {
  const document = fakeDocument(URI.file(path), text);
  const active = new vscode.Position(line, 0);
  state.documents.push(document);
  state.activeEditor = { document, selection: { start: active, end: active, active } };
  return document;
}
