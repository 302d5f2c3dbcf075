import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CellOutput } from "../core/interpreter.ts";
import { createReadResults } from "../sessions/cells/read-results.ts";
import type { StateFolder } from "../sessions/state-folder.ts";

/** What a cell shows, in the order in which it is shown. */
export interface ResultsFollower {
  /** Hands on what is new. */
  read(): Promise<void>;
}

/** @param onOutput called for each, one at a time */
export function followResults(
  state: StateFolder,
  runId: string,
  onOutput: (output: CellOutput) => Promise<void>,
): ResultsFollower {
  const readResults = createReadResults(state);
  let offset = 0;
  return {
    read: async () => {
      for (;;) {
        const { outputs, nextOffset } = await readResults(runId, offset);
        offset = nextOffset;
        for (const output of outputs) await onOutput(output);
        if (outputs.length === 0) return;
      }
    },
  };
}

/** Saves one result; resolves with the paths of its files, [] for what is none. */
export type SaveResult = (output: CellOutput) => Promise<readonly string[]>;

// What a picture or a page shows need not be saved as its name too.
const FORMS: readonly (readonly [mime: string, extension: string])[] = [
  ["image/png", "png"],
  ["image/jpeg", "jpg"],
  ["image/svg+xml", "svg"],
  ["text/html", "html"],
  ["application/json", "json"],
  ["text/markdown", "md"],
  ["text/latex", "tex"],
  ["text/plain", "txt"],
];

/**
 * Saves the results of a cell into a folder, which is made when it is missing, as "analysis-2-1.png". What an earlier run
 * left there under such a name is replaced.
 * @param stem see `ChosenCell`
 */
export function createSaveResult(folder: string, stem: string): SaveResult {
  let serial = 0;
  return async (output) => {
    if (output.kind !== "result") return [];
    serial += 1;
    const files = toFiles(output.data);
    if (files.length > 0) await mkdir(folder, { recursive: true });
    const paths: string[] = [];
    for (const { extension, data } of files) {
      const file = join(folder, `${stem}-${serial}.${extension}`);
      await writeFile(file, data);
      paths.push(file);
    }
    return paths;
  };
}

interface ResultFile {
  readonly extension: string;
  readonly data: string | Buffer;
}

function toFiles(forms: Readonly<Record<string, string>>): readonly ResultFile[] {
  const other = Object.keys(forms).find((mime) => mime.endsWith("+json") && forms["application/json"] === undefined);
  const all = [...FORMS, ...(other === undefined ? [] : [[other, "json"] as const])];
  const files = all.flatMap(([mime, extension]) => {
    const text = forms[mime];
    if (text === undefined) return [];
    const isBinary = mime === "image/png" || mime === "image/jpeg";
    return [{ extension, data: isBinary ? Buffer.from(text, "base64") : text }];
  });
  return files.length > 1 ? files.filter(({ extension }) => extension !== "txt") : files;
}
