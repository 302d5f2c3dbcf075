import * as vscode from "vscode";
import { describeContext } from "./describe-context.ts";
import type { ContextItem } from "./restart-context.ts";

/** "python · plot.py · 3 cells", below its session. */
export function toContextItem({ session, context }: ContextItem): vscode.TreeItem {
  const label = describeContext(context);
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.None);
  item.id = `${session.id}/context/${context.id}`;
  item.iconPath = new vscode.ThemeIcon("symbol-namespace");
  item.tooltip = vscode.l10n.t(
    "What cells of this file define is kept here until it is restarted or its sandbox ends.",
  );
  item.contextValue = "context";
  item.accessibilityInformation = { label };
  return item;
}
