import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SkippedPath } from "../../snapshots/scan/scanner.ts";
import type { SecretFinding } from "../../snapshots/secrets/secret-finding.ts";
import { describeSize } from "../describe-snapshot.ts";
import { describeAmount } from "./describe-upload.ts";
import type { FileNode, FolderNode, SkippedGroup, UploadNode } from "./upload-tree.ts";

/** A row as VS Code draws it. Its context value says what can be done with it. */
export function toUploadItem(node: UploadNode, root: vscode.Uri): vscode.TreeItem {
  switch (node.kind) {
    case "folder":
      return toFolderItem(node, root);
    case "file":
      return toFileItem(node, root);
    case "group":
      return toGroupItem(node.group, node.count);
    case "skipped":
      return toSkippedItem(node.skipped, root);
    case "finding":
      return toFindingItem(node.finding, root);
  }
}

/** "config.py:12". */
export function describePlace({ path, line }: SecretFinding): string {
  return `${toDisplay(path)}:${line}`;
}

/** What opens the finding's line. */
export function toOpenCommand(finding: SecretFinding, root: vscode.Uri): vscode.Command {
  const at = new vscode.Position(finding.line - 1, 0);
  const options = { selection: new vscode.Range(at, at), preserveFocus: true };
  return {
    command: "vscode.open",
    title: vscode.l10n.t("Open"),
    arguments: [vscode.Uri.joinPath(root, finding.path), options],
  };
}

function toFolderItem({ path, name, fileCount, sizeBytes }: FolderNode, root: vscode.Uri): vscode.TreeItem {
  const item = new vscode.TreeItem(toDisplay(name), vscode.TreeItemCollapsibleState.Collapsed);
  const amount = describeAmount(fileCount, sizeBytes);
  return Object.assign(item, {
    id: `folder ${path}`,
    description: amount,
    resourceUri: vscode.Uri.joinPath(root, path),
    iconPath: vscode.ThemeIcon.Folder,
    contextValue: "upload;sent;folder",
    accessibilityInformation: { label: vscode.l10n.t("Folder {0}, {1}", toDisplay(path), amount) },
  });
}

function toFileItem({ path, name, sizeBytes, isSent }: FileNode, root: vscode.Uri): vscode.TreeItem {
  const item = new vscode.TreeItem(toDisplay(name), vscode.TreeItemCollapsibleState.None);
  const size = describeSize(sizeBytes);
  const description = isSent ? size : vscode.l10n.t("{0}, already there", size);
  const uri = vscode.Uri.joinPath(root, path);
  return Object.assign(item, {
    id: `file ${path}`,
    description,
    resourceUri: uri,
    iconPath: vscode.ThemeIcon.File,
    contextValue: "upload;sent;file",
    command: { command: "vscode.open", title: vscode.l10n.t("Open"), arguments: [uri] },
    accessibilityInformation: { label: `${toDisplay(path)}, ${description}` },
  });
}

function toGroupItem(group: SkippedGroup | "findings", count: number): vscode.TreeItem {
  const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const isUrgent = group === "findings" || group === "secret";
  const titles: Readonly<Record<SkippedGroup | "findings", [string, string]>> = {
    findings: [vscode.l10n.t("Looks like credentials"), "warning"],
    secret: [vscode.l10n.t("Held back as secrets"), "lock"],
    "too-large": [vscode.l10n.t("Too large to send"), "package"],
    rule: [vscode.l10n.t("Left out by rules"), "filter"],
    other: [vscode.l10n.t("Cannot be sent"), "circle-slash"],
  };
  const [title, icon] = titles[group];
  const color = group === "findings" ? new vscode.ThemeColor("list.warningForeground") : undefined;
  return Object.assign(new vscode.TreeItem(title, isUrgent ? Expanded : Collapsed), {
    id: `group ${group}`,
    description: count.toLocaleString(),
    iconPath: new vscode.ThemeIcon(icon, color),
    contextValue: "upload;group",
  });
}

function toSkippedItem({ path, kind, reason }: SkippedPath, root: vscode.Uri): vscode.TreeItem {
  const item = new vscode.TreeItem(toDisplay(path), vscode.TreeItemCollapsibleState.None);
  const canBeSent = kind === "secret" || kind === "rule" || kind === "built-in";
  return Object.assign(item, {
    id: `skipped ${path}`,
    // The group says it already.
    description: kind === "secret" || kind === "too-large" ? "" : reason,
    tooltip: `${toDisplay(path)}: ${reason}`,
    resourceUri: vscode.Uri.joinPath(root, path),
    iconPath: vscode.ThemeIcon.File,
    contextValue: canBeSent ? "upload;kept;ruled" : "upload;kept",
  });
}

function toFindingItem(finding: SecretFinding, root: vscode.Uri): vscode.TreeItem {
  const item = new vscode.TreeItem(describePlace(finding), vscode.TreeItemCollapsibleState.None);
  return Object.assign(item, {
    id: `finding ${finding.path}:${finding.line}:${finding.fingerprint}`,
    description: `${finding.kind} ${finding.hint}`,
    iconPath: new vscode.ThemeIcon("key", new vscode.ThemeColor("list.warningForeground")),
    contextValue: "upload;finding",
    command: toOpenCommand(finding, root),
  });
}
