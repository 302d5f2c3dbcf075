import * as vscode from "vscode";
import type { TerminalSize } from "../core/sandbox.ts";
import type { Overlay, RunCommand, RunRequest, Target } from "../sessions/records.ts";
import { readSetting } from "./settings.ts";
import { readTarget } from "./target.ts";
import { pathInFolder, rootOf } from "./workspace-folder.ts";

/** What the user asked to run, before the settings have their say. */
export interface RunInput {
  readonly folder: vscode.WorkspaceFolder;
  readonly command: RunCommand;
  readonly title?: string;
  /** The settings' own when left out. */
  readonly target?: Target;
  /** Fingerprints of credentials that the user lets through this once. */
  readonly allowedSecrets?: readonly string[];
}

/** Completes what was asked from the settings and from what is on screen. */
export function toRunRequest(input: RunInput, size: TerminalSize): RunRequest {
  const scope = input.folder.uri;
  const isShell = input.command.kind === "shell";
  return {
    workspaceRoot: rootOf(input.folder),
    target: input.target ?? readTarget(scope),
    command: input.command,
    ...(input.title === undefined ? {} : { title: input.title }),
    overlays: readOverlays(input.folder),
    languages: readSetting("run.languages", scope),
    env: readSetting("run.env", scope),
    // What cells print is no terminal's: their two streams stay apart.
    ...(input.command.kind === "cell" ? {} : { pty: size }),
    timeoutMs: isShell ? 0 : readSetting("run.timeoutMinutes", scope) * 60_000,
    origin: "editor",
    // A window that reloads takes its runs up again.
    stopOnDisconnect: false,
    pull: true,
    maxFileMiB: readSetting("sync.maxFileMiB", scope),
    maxUploadMiB: readSetting("sync.maxUploadMiB", scope),
    allowedSecrets: input.allowedSecrets ?? [],
  };
}

/** The folder's files as they are on screen, where that differs from the disk. */
export function readOverlays(folder: vscode.WorkspaceFolder): readonly Overlay[] {
  return vscode.workspace.textDocuments
    .filter(({ isDirty, uri }) => isDirty && uri.scheme === folder.uri.scheme && isIn(folder, uri))
    .map((document) => ({ path: pathInFolder(folder, document.uri), text: document.getText() }));
}

/** Saves what the setting asks for: nothing, the file that runs, or every file of the folder. */
export async function saveBeforeRun(input: RunInput): Promise<void> {
  const what = readSetting("saveBeforeRun", input.folder.uri);
  if (what === "none") return;
  const { folder, command } = input;
  const dirty = vscode.workspace.textDocuments.filter(
    ({ isDirty, uri }) => isDirty && uri.scheme === folder.uri.scheme && isIn(folder, uri),
  );
  const meant = dirty.filter(
    ({ uri }) => what === "all" || (isInFile(command) && pathInFolder(folder, uri) === command.path),
  );
  for (const document of meant) await document.save();
}

function isInFile(command: RunCommand): command is Extract<RunCommand, { kind: "file" | "cell" }> {
  return command.kind === "file" || command.kind === "cell";
}

function isIn(folder: vscode.WorkspaceFolder, uri: vscode.Uri): boolean {
  return vscode.workspace.getWorkspaceFolder(uri)?.uri.toString() === folder.uri.toString();
}
