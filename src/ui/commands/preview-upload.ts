import * as vscode from "vscode";
import { changeIgnoreFile } from "../ignore/change-ignore-file.ts";
import { noteAgreement } from "../upload/agreements.ts";
import { toUpload } from "../upload/to-upload.ts";
import type { UploadNode } from "../upload/upload-tree.ts";
import { folderOf, pickFolder, requireTrust, rootOf } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { runFile } from "./run-file.ts";
import { startRun } from "./start-run.ts";

/** Shows what a run of the folder would send, where the settings say that it runs. */
export async function previewUpload(deps: CommandDeps, argument: unknown): Promise<void> {
  requireTrust();
  const folder = argument instanceof vscode.Uri ? folderOf(argument) : await pickFolder();
  if (folder) await deps.uploadView.show(toUpload({ folder }));
}

/** Runs what waits for the preview, or else the active editor's file. Whoever runs from there has seen what is sent. */
export async function runPreviewed(deps: CommandDeps): Promise<unknown> {
  const { upload, pending } = deps.uploadView;
  if (!upload) return undefined;
  await noteAgreement(deps.globalMemento, upload.folder.uri, upload.target);
  const started = pending ? await startRun(deps, pending) : await runFile(deps, undefined, upload.target);
  if (started) await deps.uploadView.close();
  return started;
}

/** Leaves the row's file or folder out from now on. */
export async function excludeUpload(deps: CommandDeps, argument: unknown): Promise<void> {
  await decide(deps, argument, "exclude");
}

/** Sends what a rule or its name leaves out. */
export async function includeUpload(deps: CommandDeps, argument: unknown): Promise<void> {
  await decide(deps, argument, "include");
}

/** Lets the row's credential through in this workspace from now on. */
export async function allowSecret(deps: CommandDeps, argument: unknown): Promise<void> {
  const { upload } = deps.uploadView;
  if (!upload || !isUploadNode(argument) || argument.kind !== "finding") return;
  const engine = await deps.link.get();
  await engine.allowSecrets(rootOf(upload.folder), [argument.finding.fingerprint]);
  await deps.uploadView.refresh();
}

/** The file or folder that a row of the preview is about; undefined for everything else. */
export function uriOfUpload(deps: CommandDeps, argument: unknown): vscode.Uri | undefined {
  const { upload } = deps.uploadView;
  const path = isUploadNode(argument) ? pathOf(argument) : undefined;
  return upload && path !== undefined ? vscode.Uri.joinPath(upload.folder.uri, path) : undefined;
}

async function decide(deps: CommandDeps, argument: unknown, verdict: "exclude" | "include"): Promise<void> {
  const { upload } = deps.uploadView;
  const uri = uriOfUpload(deps, argument);
  const path = isUploadNode(argument) ? pathOf(argument) : undefined;
  if (!upload || !uri || path === undefined) return;
  await changeIgnoreFile(upload.folder, [{ path, isFolder: await isFolder(uri), verdict }]);
  await deps.uploadView.refresh();
}

function isUploadNode(argument: unknown): argument is UploadNode {
  const kinds: readonly unknown[] = ["folder", "file", "skipped", "finding"];
  return typeof argument === "object" && argument !== null && "kind" in argument && kinds.includes(argument.kind);
}

function pathOf(node: UploadNode): string | undefined {
  if (node.kind === "group") return undefined;
  const path = node.kind === "skipped" ? node.skipped.path : node.kind === "finding" ? node.finding.path : node.path;
  return path.replace(/\/$/, "");
}

/** What is behind a link is not sent, and a link is no folder to the rules. */
async function isFolder(uri: vscode.Uri): Promise<boolean> {
  try {
    const { type } = await vscode.workspace.fs.stat(uri);
    return type === vscode.FileType.Directory;
  } catch {
    return false;
  }
}
