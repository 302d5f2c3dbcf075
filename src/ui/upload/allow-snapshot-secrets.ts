import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { Engine } from "../../sessions/engine.ts";
import type { SnapshotRecord } from "../../sessions/snapshot-records.ts";
import { describePlace } from "./upload-item.ts";

const MAX_SHOWN = 8;

/** Asks about credentials in a snapshot that is to go into a sandbox. True when there are none, or they may go along from now on. */
export async function allowSnapshotSecrets(
  engine: Pick<Engine, "findSecrets" | "allowSecrets">,
  { id, workspaceRoot }: SnapshotRecord,
): Promise<boolean> {
  const findings = await engine.findSecrets(id);
  if (findings.length === 0) return true;
  const rows = findings
    .slice(0, MAX_SHOWN)
    .map((finding) => `${describePlace(finding)}: ${finding.kind} ${finding.hint}`);
  const more = findings.length - rows.length;
  const detail = [...rows.map(toDisplay), ...(more > 0 ? [vscode.l10n.t("and {0} more", more)] : [])].join("\n");
  const allow = vscode.l10n.t("Always Allow in This Workspace");
  const message =
    findings.length === 1
      ? vscode.l10n.t("The snapshot holds 1 line that looks like a credential. Send it all the same?")
      : vscode.l10n.t(
          "The snapshot holds {0} lines that look like credentials. Send them all the same?",
          findings.length,
        );
  if ((await vscode.window.showWarningMessage(message, { modal: true, detail }, allow)) !== allow) return false;
  await engine.allowSecrets(workspaceRoot, [...new Set(findings.map(({ fingerprint }) => fingerprint))]);
  return true;
}
