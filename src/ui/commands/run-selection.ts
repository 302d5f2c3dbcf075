import type { RunRecord } from "../../sessions/records.ts";
import { padSelection } from "../pad-selection.ts";
import { selectionPath } from "../terminal/find-links.ts";
import { folderOf, pathInFolder, pickFolder } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { extensionOf, requireEditor } from "./run-file.ts";
import { startRun } from "./start-run.ts";

/** Runs the selected lines (the cursor's line when nothing is selected) under their own line numbers, from a file beside theirs. */
export async function runSelection(deps: CommandDeps): Promise<RunRecord | undefined> {
  const { document, selection } = requireEditor();
  const isUntitled = document.uri.scheme === "untitled";
  const folder = isUntitled ? await pickFolder() : folderOf(document.uri);
  if (!folder) return undefined;
  const path = isUntitled ? `untitled${extensionOf(document)}` : pathInFolder(folder, document.uri);
  const lines = Array.from({ length: document.lineCount }, (_, index) => document.lineAt(index).text);
  const padded = padSelection(lines, selection, document.languageId);
  const name = path.slice(path.lastIndexOf("/") + 1);
  return startRun(deps, {
    folder,
    title: `${name}:${toLineRange(padded.firstLine, padded.lastLine)}`,
    command: { kind: "code", path: selectionPath(path, Date.now() % 1_000_000), text: padded.text, args: [] },
  });
}

function toLineRange(first: number, last: number): string {
  return first === last ? `${first + 1}` : `${first + 1}-${last + 1}`;
}
