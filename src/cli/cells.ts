import { readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import { type CodeCell, splitCells } from "../sessions/cells/split-cells.ts";
import type { RunRequest } from "../sessions/records.ts";
import { UsageError } from "./usage-error.ts";

/** Which cells of a file: one by its number, see `splitCells`, or all of them. */
export type CellChoice = number | "all";

const LANGUAGES: Readonly<Record<string, string>> = {
  ".py": "python",
  ".js": "javascript",
  ".mjs": "javascript",
  ".ts": "typescript",
  ".r": "r",
  ".sh": "shellscript",
  ".java": "java",
};

/** One of them, to be run. */
export interface ChosenCell {
  readonly request: RunRequest;
  /** What files with its results are called: "analysis-2". */
  readonly stem: string;
}

/** @throws {UsageError} */
export function parseCell(text: string): CellChoice {
  if (text === "all") return text;
  if (!/^\d{1,6}$/.test(text)) throw new UsageError(`--cell is a number, or all; not "${text}".`);
  return Number(text);
}

/**
 * Each of the chosen cells of the file that `request` would run.
 * @throws {SandboxError} `invalid` when it has no such cell
 */
export async function chooseCells(request: RunRequest, choice: CellChoice): Promise<readonly ChosenCell[]> {
  const { command, workspaceRoot } = request;
  if (command.kind !== "file") throw new UsageError("--cell goes with a file: name the one with the cells.");
  const { path } = command;
  const language = LANGUAGES[extname(path).toLowerCase()];
  if (language === undefined)
    throw new SandboxError("invalid", `${toDisplay(path)} has no cells that can be run: it is no Python file.`);
  const cells = choose(splitCells(await read(join(workspaceRoot, path))), choice, path);
  return cells.map(({ number, code }) => {
    const title = `${basename(path)}, cell ${number}`;
    const stem = `${basename(path, extname(path))}-${number}`;
    return { request: { ...request, title, command: { kind: "cell", path, language, code } }, stem };
  });
}

function choose(cells: readonly CodeCell[], choice: CellChoice, path: string): readonly CodeCell[] {
  const name = toDisplay(path);
  if (cells.length === 0)
    throw new SandboxError("invalid", `${name} has no cells. Begin each with a line "# %%", or run the file.`);
  if (choice === "all") return cells;
  const cell = cells.find(({ number }) => number === choice);
  if (cell) return [cell];
  const last = cells.at(-1)?.number ?? 0;
  throw new SandboxError("invalid", `${name} has no cell ${choice}: its last one is ${last}.`);
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new SandboxError("invalid", `${toDisplay(file)} cannot be read. Check its name and folder.`, { cause });
  }
}
