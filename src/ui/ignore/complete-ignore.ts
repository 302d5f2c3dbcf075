import * as vscode from "vscode";
import { escapePattern, fitsInLine } from "./ignore-line.ts";

/** Never of use in a pattern: git's own folder is never sent. */
const HIDDEN = new Set([".git"]);

/** Completes paths of the folder that the ignore file is in, and offers the patterns that many files have. */
export const ignoreCompletion: vscode.CompletionItemProvider = {
  async provideCompletionItems(document, position) {
    const typed = document.lineAt(position.line).text.slice(0, position.character);
    if (typed.startsWith("#")) return [];
    const path = typed.replace(/^!/, "");
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    const range = new vscode.Range(
      position.line,
      position.character - (path.length - folder.length),
      position.line,
      position.character,
    );
    const listed = await listFolder(vscode.Uri.joinPath(document.uri, "..", unescape(folder)));
    const items = listed.map(([name, type]) => toPathItem(name, type, range));
    return folder === "" ? [...items, ...toPatternItems(typed, range)] : items;
  },
};

/** Of a folder that does not exist, nothing. */
async function listFolder(uri: vscode.Uri): Promise<readonly [string, vscode.FileType][]> {
  try {
    const entries = await vscode.workspace.fs.readDirectory(uri);
    return entries.filter(([name]) => !HIDDEN.has(name) && fitsInLine(name));
  } catch {
    return [];
  }
}

function toPathItem(name: string, type: vscode.FileType, range: vscode.Range): vscode.CompletionItem {
  const { File, Folder } = vscode.CompletionItemKind;
  const isFolder = type === vscode.FileType.Directory;
  const label = isFolder ? `${name}/` : name;
  const item = new vscode.CompletionItem(label, isFolder ? Folder : File);
  item.insertText = escapePattern(name) + (isFolder ? "/" : "");
  // What would begin a comment or a negation, were it the first of its line.
  if (range.start.character === 0 && /^[!#]/.test(name)) item.insertText = `\\${item.insertText}`;
  item.filterText = label;
  item.range = range;
  item.sortText = `${isFolder ? 0 : 1}${name}`;
  // The folder's own entries come next.
  if (isFolder) item.command = { command: "editor.action.triggerSuggest", title: "" };
  return item;
}

function toPatternItems(typed: string, range: vscode.Range): vscode.CompletionItem[] {
  return commonPatterns()
    .filter(([pattern]) => typed === "" || pattern.startsWith("!") === typed.startsWith("!"))
    .map(([pattern, documentation]) => {
      const item = new vscode.CompletionItem(pattern, vscode.CompletionItemKind.Snippet);
      // The "!" is there already.
      item.insertText = typed.startsWith("!") ? pattern.slice(1) : pattern;
      item.filterText = item.insertText;
      item.range = range;
      item.documentation = documentation;
      item.sortText = `2${pattern}`;
      return item;
    });
}

/** Patterns, and what each is good for. */
function commonPatterns(): readonly [string, string][] {
  return [
    ["*.log", vscode.l10n.t("Leaves logs out, in every folder.")],
    ["data/", vscode.l10n.t("Leaves every folder named data out.")],
    ["/data/", vscode.l10n.t("Leaves the folder data beside this file out, and no other of that name.")],
    ["*.parquet", vscode.l10n.t("Leaves files of that kind out, in every folder.")],
    ["*.safetensors", vscode.l10n.t("Leaves model weights out.")],
    ["**/checkpoints/", vscode.l10n.t("Leaves every folder named checkpoints out.")],
    ["!.env", vscode.l10n.t("Sends .env files, which are held back because they may hold credentials.")],
    ["!node_modules/", vscode.l10n.t("Sends node_modules, which is left out because it was made for this machine.")],
    ["!dist/", vscode.l10n.t("Sends dist although .gitignore leaves it out.")],
  ];
}

function unescape(pattern: string): string {
  return pattern.replaceAll(/\\(.)/g, "$1");
}
