import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { RunRecord } from "../../sessions/records.ts";
import type { ChangeSetRecord } from "../../sessions/snapshot-records.ts";
import { titleOf } from "../describe-run.ts";

/** Whose changes are decided: a run's, or those of a change set that a restore or a pull made. */
export interface ReviewSubject {
  readonly id: string;
  /** Fit to be shown anywhere. */
  readonly title: string;
  /** What the changes are called: heads the editor that shows them. */
  readonly heading: string;
  readonly workspaceRoot: string;
  /** Where the other version of a file comes from. */
  readonly origin: "sandbox" | "snapshot";
}

export function toSubject(record: RunRecord | ChangeSetRecord): ReviewSubject {
  const { id, workspaceRoot } = record;
  if ("command" in record) {
    const title = titleOf(record);
    return { id, title, heading: vscode.l10n.t("Changes by {0}", title), workspaceRoot, origin: "sandbox" };
  }
  const title = toDisplay(record.title);
  return { id, title, heading: title, workspaceRoot, origin: record.cause === "restore" ? "snapshot" : "sandbox" };
}
