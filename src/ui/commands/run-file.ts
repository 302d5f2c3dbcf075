import * as vscode from "vscode";
import type { RunRecord, Target } from "../../sessions/records.ts";
import type { RunInput } from "../run-request.ts";
import { EditorError, openSettings } from "../show-error.ts";
import { folderOf, pathInFolder, pickFolder } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { startRun } from "./start-run.ts";

/** Extensions under which text of a language is sent when it has no file yet. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  python: ".py",
  javascript: ".js",
  typescript: ".ts",
  shellscript: ".sh",
  ruby: ".rb",
  go: ".go",
  r: ".R",
  php: ".php",
  perl: ".pl",
};

/** Runs the file that a menu names, or the active editor's; text without a file runs as it is on screen. */
export async function runFile(deps: CommandDeps, argument: unknown, target?: Target): Promise<RunRecord | undefined> {
  const input = await toFileInput(argument);
  return input && startRun(deps, { ...input, ...(target ? { target } : {}) });
}

/** What running the argument (a file's URI, or undefined for the active editor) means; undefined when the user picks no folder. */
export async function toFileInput(argument: unknown): Promise<RunInput | undefined> {
  const uri = argument instanceof vscode.Uri ? argument : requireEditor().document.uri;
  if (uri.scheme === "untitled") return toUntitledInput(uri);
  const folder = folderOf(uri);
  return { folder, command: { kind: "file", path: pathInFolder(folder, uri), args: [] } };
}

/** The active editor. @throws {EditorError} `invalid` when there is none. */
export function requireEditor(): vscode.TextEditor {
  const editor = vscode.window.activeTextEditor;
  if (editor) return editor;
  throw new EditorError("invalid", vscode.l10n.t("No file is open. Open the file you want to run."), [
    { title: vscode.l10n.t("Go to File"), command: "workbench.action.quickOpen" },
  ]);
}

async function toUntitledInput(uri: vscode.Uri): Promise<RunInput | undefined> {
  const document = await vscode.workspace.openTextDocument(uri);
  const extension = extensionOf(document);
  const name = uri.path.replaceAll("/", "_") + (uri.path.endsWith(extension) ? "" : extension);
  const folder = await pickFolder();
  return (
    folder && {
      folder,
      title: uri.path,
      command: { kind: "code", path: `.sandpiper-untitled.${name}`, text: document.getText(), args: [] },
    }
  );
}

/** The file's extension, or the one of its language. @throws {EditorError} `invalid` for text of a language that is not known to run. */
export function extensionOf(document: vscode.TextDocument): string {
  const extension = EXTENSIONS[document.languageId];
  if (extension) return extension;
  throw new EditorError(
    "invalid",
    vscode.l10n.t(
      "Sandpiper does not know how to run text of the language {0}. Save it to a file, or set its language.",
      document.languageId,
    ),
    [
      { title: vscode.l10n.t("Change Language"), command: "workbench.action.editor.changeLanguageMode" },
      openSettings("sandpiper.run.languages"),
    ],
  );
}
