import * as vscode from "vscode";
import { TABLE_MIME } from "../../core/interpreter.ts";
import { toTable } from "./to-table.ts";
import type { ReadResults } from "../../sessions/cells/read-results.ts";
import { isBinary } from "./to-result-view.ts";

/** Which form of which result is meant. */
export interface ResultName {
  readonly runId: string;
  /** Its place among all that the cell showed. */
  readonly index: number;
  readonly mime: string;
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/svg+xml": "svg",
  "application/pdf": "pdf",
  "text/html": "html",
  "text/markdown": "md",
  "text/latex": "tex",
  "text/plain": "txt",
  "application/javascript": "js",
};

/** Writes a result to the file that the user picks. @param stem of the files that the dialog proposes, without extension */
export async function saveResult(readResults: ReadResults, stem: vscode.Uri, name: ResultName): Promise<void> {
  const data = await readForm(readResults, name);
  if (data === undefined) return tellGone();
  const extension = EXTENSIONS[name.mime] ?? (isBinary(name.mime) ? "bin" : "json");
  const defaultUri = stem.with({ path: `${stem.path}-${name.index}.${extension}` });
  const uri = await vscode.window.showSaveDialog({ defaultUri });
  if (uri) await vscode.workspace.fs.writeFile(uri, toBytes(name.mime, data));
}

/** Puts a result that is text on the clipboard; a table with tabs, as sheets take it. */
export async function copyResult(readResults: ReadResults, name: ResultName): Promise<void> {
  const data = await readForm(readResults, name);
  if (data === undefined) return tellGone();
  await vscode.env.clipboard.writeText(name.mime === TABLE_MIME ? toTabbedText(data) : data);
  vscode.window.setStatusBarMessage(vscode.l10n.t("Copied."), 3000);
}

async function readForm(readResults: ReadResults, { runId, index, mime }: ResultName): Promise<string | undefined> {
  let offset = 0;
  for (let before = 0; ;) {
    const { outputs, nextOffset } = await readResults(runId, offset);
    if (outputs.length === 0) return undefined;
    const output = outputs[index - before];
    if (output?.kind === "error") return output.traceback;
    if (output) return output.kind === "result" ? output.data[mime] : undefined;
    before += outputs.length;
    offset = nextOffset;
  }
}

function toBytes(mime: string, data: string): Uint8Array {
  const isEncodedDrawing = mime === "image/svg+xml" && !data.trimStart().startsWith("<");
  return Buffer.from(data, isBinary(mime) || isEncodedDrawing ? "base64" : "utf8");
}

function toTabbedText(json: string): string {
  const table = toTable(JSON.parse(json));
  if (!table) return json;
  const lines = [table.columns.map(({ name }) => name), ...table.rows];
  return lines.map((cells) => cells.map((cell) => cell.replaceAll(/[\t\r\n]+/g, " ")).join("\t")).join("\n");
}

function tellGone(): void {
  void vscode.window.showInformationMessage(vscode.l10n.t("This result is no longer on disk."));
}
