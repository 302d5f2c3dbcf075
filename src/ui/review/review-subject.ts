import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { RunRecord } from "../../sessions/records.ts";
import type { ChangeSetRecord } from "../../sessions/snapshot-records.ts";
import { titleOf } from "../describe-run.ts";
import { describeMoment } from "../describe-time.ts";
import type { RunStore } from "../run-store.ts";

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

export function toSubject(record: RunRecord | ChangeSetRecord, store: RunStore): ReviewSubject {
  const { id, workspaceRoot } = record;
  if ("command" in record) {
    const title = titleOf(record);
    return { id, title, heading: vscode.l10n.t("Changes by {0}", title), workspaceRoot, origin: "sandbox" };
  }
  const title = toDisplay(toTitle(record, store));
  return { id, title, heading: title, workspaceRoot, origin: record.cause === "restore" ? "snapshot" : "sandbox" };
}

/** The engine's own title knows neither the user's language nor how they write times. */
function toTitle({ snapshotId, sessionId, title }: ChangeSetRecord, store: RunStore): string {
  const snapshot = snapshotId === undefined ? undefined : store.snapshot(snapshotId);
  if (snapshot) return vscode.l10n.t("Restore {0}", snapshot.name ?? describeMoment(snapshot.createdAt));
  const session = sessionId === undefined ? undefined : store.session(sessionId);
  return session ? vscode.l10n.t("Changes in {0}", session.name) : title;
}
