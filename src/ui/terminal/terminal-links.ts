import * as vscode from "vscode";
import { whyUnsafePath } from "../../core/workspace-path.ts";
import type { RunRecord } from "../../sessions/records.ts";
import { findFileMentions } from "./find-links.ts";
import type { RunTerminals } from "./run-terminals.ts";
import { toFolderUri } from "../workspace-folder.ts";

/** A link and what opening it does. */
interface RunLink extends vscode.TerminalLink {
  readonly open: () => Thenable<unknown>;
}

/** Links from a run's terminal: paths in the sandbox to the files here, and our own "Review" and "Open full log". */
export function createTerminalLinks(terminals: RunTerminals): vscode.TerminalLinkProvider<RunLink> {
  return {
    async provideTerminalLinks({ line, terminal }) {
      const run = terminals.runOf(terminal);
      if (!run || line.length > 5000) return [];
      return [...ownLinks(line, run), ...(await fileLinks(line, run))];
    },
    async handleTerminalLink(link) {
      await link.open();
    },
  };
}

/** Output can print the same words: what they open is this run's own review or log, and nothing else. */
function ownLinks(line: string, run: RunRecord): readonly RunLink[] {
  const words: readonly (readonly [string, string, string])[] = [
    [`: ${vscode.l10n.t("Review")}`, vscode.l10n.t("Review what the run changed"), "sandpiper.reviewChanges"],
    [`: ${vscode.l10n.t("Open full log")}`, vscode.l10n.t("Open the whole output"), "sandpiper.openRunLog"],
  ];
  return words
    .filter(([word]) => line.trimEnd().endsWith(word))
    .map(([word, tooltip, command]) => ({
      startIndex: line.lastIndexOf(word) + 2,
      length: word.length - 2,
      tooltip,
      open: () => vscode.commands.executeCommand(command, run.id),
    }));
}

async function fileLinks(line: string, run: RunRecord): Promise<readonly RunLink[]> {
  const links: RunLink[] = [];
  for (const mention of findFileMentions(line).slice(0, 10)) {
    if (whyUnsafePath(mention.path)) continue;
    const uri = vscode.Uri.joinPath(toFolderUri(run.workspaceRoot), mention.path);
    if (!(await isFile(uri))) continue;
    const at = new vscode.Position(Math.max(0, (mention.line ?? 1) - 1), Math.max(0, (mention.column ?? 1) - 1));
    links.push({
      startIndex: mention.start,
      length: mention.length,
      tooltip: vscode.l10n.t("Open the file in this workspace"),
      open: () => vscode.window.showTextDocument(uri, { selection: new vscode.Range(at, at) }),
    });
  }
  return links;
}

async function isFile(uri: vscode.Uri): Promise<boolean> {
  try {
    return ((await vscode.workspace.fs.stat(uri)).type & vscode.FileType.File) !== 0;
  } catch {
    return false;
  }
}
