import { isAbsolute } from "node:path";
import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import { explainPath as explain } from "../../snapshots/rules/explain-path.ts";
import { readIgnoreRules } from "../../snapshots/rules/ignore-rules.ts";
import { changeIgnoreFile, type IgnoreChange } from "../ignore/change-ignore-file.ts";
import { readSetting } from "../settings.ts";
import { readPreview } from "../upload/consent.ts";
import { toUpload } from "../upload/to-upload.ts";
import { folderOf, pathInFolder, rootOf } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { uriOfUpload } from "./preview-upload.ts";
import { requireEditor } from "./run-file.ts";

const BYTES_PER_MIB = 1024 * 1024;

/** A button, and what it does. */
interface Action {
  readonly title: string;
  readonly run: () => Thenable<unknown>;
}

/** Says whether the file that a menu names, or the active editor's, is sent, and what decides that. */
export async function explainPath(deps: CommandDeps, argument: unknown): Promise<void> {
  const uri = argument instanceof vscode.Uri ? argument : (uriOfUpload(deps, argument) ?? requireEditor().document.uri);
  const folder = folderOf(uri);
  const path = pathInFolder(folder, uri);
  // A mirror is made what its folder is when something is read of it.
  if (uri.scheme !== "file") await readPreview(deps.link, toUpload({ folder }));
  const { isSent, reason } = explain(rootOf(folder), path, readSetting("sync.maxFileMiB", uri) * BYTES_PER_MIB);
  const { type } = await vscode.workspace.fs.stat(uri);
  const isFolder = type === vscode.FileType.Directory;
  const change: IgnoreChange | undefined = isSent
    ? { path, isFolder, verdict: "exclude" }
    : findExcluded(folder, path, isFolder);
  const actions = [...toChangeActions(folder, change, path), ...toRuleActions(folder, reason)];
  const message = isSent
    ? vscode.l10n.t("{0} is sent: {1}.", toDisplay(path), reason)
    : vscode.l10n.t("{0} is not sent: {1}.", toDisplay(path), reason);
  const title = await vscode.window.showInformationMessage(message, ...actions.map((action) => action.title));
  await actions.find((action) => action.title === title)?.run();
}

/** What has to be let in for the path to be sent: itself, or the uppermost folder that is left out. Undefined where no rule decides. */
function findExcluded(folder: vscode.WorkspaceFolder, path: string, isFolder: boolean): IgnoreChange | undefined {
  const rules = readIgnoreRules(rootOf(folder));
  const names = path.split("/");
  for (let depth = 1; depth <= names.length; depth++) {
    const place = names.slice(0, depth).join("/");
    const isPlaceFolder = depth < names.length || isFolder;
    // Git's own files are never sent.
    if (names[depth - 1]?.toLowerCase() === ".git") return undefined;
    if (rules.isIgnored(place, isPlaceFolder)) return { path: place, isFolder: isPlaceFolder, verdict: "include" };
  }
  return undefined;
}

function toChangeActions(
  folder: vscode.WorkspaceFolder,
  change: IgnoreChange | undefined,
  path: string,
): readonly Action[] {
  if (!change) return [];
  const whole = change.path === path ? undefined : `${toDisplay(change.path)}/`;
  const title =
    change.verdict === "exclude"
      ? vscode.l10n.t("Exclude")
      : whole === undefined
        ? vscode.l10n.t("Send It Anyway")
        : vscode.l10n.t("Send {0} Anyway", whole);
  return [{ title, run: () => changeIgnoreFile(folder, [change]) }];
}

/** Leads to the line of an ignore file that the reason names: `… in src/.gitignore:3`. */
function toRuleActions(folder: vscode.WorkspaceFolder, reason: string): readonly Action[] {
  const [, file, line] = / in (.+):(\d+)$/.exec(reason) ?? [];
  if (file === undefined) return [];
  const uri = isAbsolute(file) ? vscode.Uri.file(file) : vscode.Uri.joinPath(folder.uri, file);
  const at = new vscode.Position(Number(line) - 1, 0);
  const open = (): Thenable<unknown> =>
    vscode.commands.executeCommand("vscode.open", uri, { selection: new vscode.Range(at, at) });
  return [{ title: vscode.l10n.t("Open the Rule"), run: open }];
}
