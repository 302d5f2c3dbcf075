import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { BlockedUpload } from "../../sessions/records.ts";
import type { SecretFinding } from "../../snapshots/secrets/secret-finding.ts";
import { describeSize } from "../describe-snapshot.ts";
import { describePlace, toOpenCommand } from "./upload-item.ts";

/** What the user decides about a run of which nothing was sent. */
export type BlockedDecision =
  | { readonly kind: "allow-once"; readonly fingerprints: readonly string[] }
  | { readonly kind: "allow-always"; readonly fingerprints: readonly string[] }
  /** Paths; those of folders end in "/". */
  | { readonly kind: "exclude"; readonly paths: readonly string[] }
  | { readonly kind: "raise-limit" }
  | { readonly kind: "preview" };

interface DecisionItem extends vscode.QuickPickItem {
  readonly decision?: BlockedDecision;
  /** A row that is looked at rather than decided. */
  readonly finding?: SecretFinding;
}

/** Asks what to do about what holds a run back; undefined when the user leaves it so. */
export function decideBlocked(blocked: BlockedUpload, folder: vscode.Uri): Promise<BlockedDecision | undefined> {
  return blocked.kind === "secrets" ? decideSecrets(blocked.findings, folder) : decideSize(blocked);
}

function decideSecrets(findings: readonly SecretFinding[], folder: vscode.Uri): Promise<BlockedDecision | undefined> {
  const fingerprints = [...new Set(findings.map(({ fingerprint }) => fingerprint))];
  const paths = [...new Set(findings.map(({ path }) => path))];
  const rows = findings.map((finding) => ({
    label: describePlace(finding),
    description: `${finding.kind} ${finding.hint}`,
    iconPath: new vscode.ThemeIcon("key"),
    finding,
  }));
  const decisions: DecisionItem[] = [
    {
      label: vscode.l10n.t("Allow Once"),
      description: vscode.l10n.t("for this run"),
      iconPath: new vscode.ThemeIcon("check"),
      decision: { kind: "allow-once", fingerprints },
    },
    {
      label: vscode.l10n.t("Always Allow in This Workspace"),
      description: vscode.l10n.t("wherever in it they stand"),
      iconPath: new vscode.ThemeIcon("check-all"),
      decision: { kind: "allow-always", fingerprints },
    },
    {
      label: paths.length === 1 ? vscode.l10n.t("Exclude This File") : vscode.l10n.t("Exclude These Files"),
      description: paths.map(toDisplay).join(", "),
      iconPath: new vscode.ThemeIcon("circle-slash"),
      decision: { kind: "exclude", paths },
    },
  ];
  const title =
    findings.length === 1
      ? vscode.l10n.t("Nothing was sent: 1 line looks like a credential")
      : vscode.l10n.t("Nothing was sent: {0} lines look like credentials", findings.length);
  return ask(title, [...decisions, separator(vscode.l10n.t("Found, opens the line")), ...rows], folder);
}

function decideSize(blocked: Extract<BlockedUpload, { kind: "size" }>): Promise<BlockedDecision | undefined> {
  const [total, limit] = [describeSize(blocked.totalBytes), describeSize(blocked.limitBytes)];
  const items: DecisionItem[] = [
    ...blocked.largest.map(({ path, sizeBytes }) => ({
      label: vscode.l10n.t("Exclude {0}", toDisplay(path)),
      description: describeSize(sizeBytes),
      iconPath: new vscode.ThemeIcon("circle-slash"),
      decision: { kind: "exclude", paths: [path] } as const,
    })),
    separator(vscode.l10n.t("Or")),
    {
      label: vscode.l10n.t("Look at All of It…"),
      iconPath: new vscode.ThemeIcon("list-tree"),
      decision: { kind: "preview" },
    },
    {
      label: vscode.l10n.t("Raise the Limit…"),
      iconPath: new vscode.ThemeIcon("settings-gear"),
      decision: { kind: "raise-limit" },
    },
  ];
  return ask(vscode.l10n.t("Nothing was sent: {0} is over the limit of {1}", total, limit), items);
}

/** No row that decides is active at first: the pick comes unasked, and somebody may be typing. */
function ask(title: string, items: readonly DecisionItem[], folder?: vscode.Uri): Promise<BlockedDecision | undefined> {
  return new Promise((resolve) => {
    const pick = vscode.window.createQuickPick<DecisionItem>();
    pick.title = title;
    pick.placeholder = vscode.l10n.t("Choose what to do; the run starts again by itself");
    pick.items = items;
    pick.activeItems = items.filter(({ finding }) => finding).slice(0, 1);
    pick.ignoreFocusOut = true;
    pick.matchOnDescription = true;
    pick.onDidAccept(() => {
      const item = pick.selectedItems[0];
      if (item?.finding && folder) {
        const { command, arguments: args = [] } = toOpenCommand(item.finding, folder);
        void vscode.commands.executeCommand(command, ...args);
        return;
      }
      resolve(item?.decision);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

function separator(label: string): DecisionItem {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
