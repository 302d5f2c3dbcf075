import * as vscode from "vscode";
import type { RunRecord } from "../sessions/records.ts";
import { describeSize } from "./describe-snapshot.ts";

/** "sent 2 files, 1.2 KiB", "sent nothing" where the sandbox had everything already. */
export function describeSentFiles({ fileCount, totalBytes }: NonNullable<RunRecord["sent"]>): string {
  if (fileCount === 0) return vscode.l10n.t("sent nothing");
  const size = describeSize(totalBytes);
  return fileCount === 1
    ? vscode.l10n.t("sent 1 file, {0}", size)
    : vscode.l10n.t("sent {0} files, {1}", fileCount.toLocaleString(), size);
}
