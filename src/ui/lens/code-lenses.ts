import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { RunRecord } from "../../sessions/records.ts";
import { describeRunCost } from "../describe-cost.ts";
import {
  changedFileCount,
  describeDuration,
  describeFileCount,
  describeState,
  durationMsOf,
  outcomeOf,
} from "../describe-run.ts";
import { hasPendingChanges, isLive, type RunStore } from "../run-store.ts";
import { readSetting } from "../settings.ts";
import { describeProvider } from "../target.ts";
import { pathInFolder, rootOf } from "../workspace-folder.ts";
import { findRunnableLines } from "./find-runnable.ts";

/** A plain space beside an icon is lost in a lens. */
const GAP = "\u00a0";
const MAX_CHARACTERS = 1_000_000;

/** "▷ Run in Sandbox" above what can be run, and beside it how its last run went. Drawn from memory alone. */
export class CodeLenses implements vscode.CodeLensProvider, Disposable {
  readonly #store: RunStore;
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new vscode.EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(store: RunStore) {
    this.#store = store;
    this.#resources.add(store.onDidChange(() => this.#changed.fire()));
    this.#resources.add(
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("sandpiper.codeLens")) this.#changed.fire();
      }),
    );
  }

  provideCodeLenses(document: Pick<vscode.TextDocument, "uri" | "languageId" | "getText">): vscode.CodeLens[] {
    if (!readSetting("codeLens.enabled", document.uri)) return [];
    // Of what only shows another file (its other version, output) nothing can be run.
    if (document.uri.scheme !== "untitled" && document.uri.scheme !== "file" && !isInFolder(document.uri)) return [];
    const text = document.getText();
    if (text.length > MAX_CHARACTERS) return [];
    const lines = findRunnableLines(text, document.languageId, document.uri.path);
    const last = this.#lastRunOf(document.uri);
    return lines.flatMap((line, index) => {
      const range = new vscode.Range(line, 0, line, 0);
      const results = last && index === 0 ? resultCommands(last) : [];
      return [runCommand(document.uri), ...results].map((command) => new vscode.CodeLens(range, command));
    });
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #lastRunOf(uri: vscode.Uri): RunRecord | undefined {
    const folder = vscode.workspace.getWorkspaceFolder(uri);
    if (!folder) return undefined;
    const path = pathInFolder(folder, uri);
    const root = rootOf(folder);
    return this.#store.runs.find(
      ({ workspaceRoot, command }) => workspaceRoot === root && command.kind === "file" && command.path === path,
    );
  }
}

function runCommand(uri: vscode.Uri): vscode.Command {
  return {
    title: `$(play)${GAP}${vscode.l10n.t("Run in Sandbox")}`,
    tooltip: vscode.l10n.t("Send this workspace to a sandbox, run the file there, and bring back what it changes"),
    command: "sandpiper.runFile",
    arguments: [uri],
  };
}

function resultCommands(run: RunRecord): readonly vscode.Command[] {
  const show = { command: "sandpiper.showRun", arguments: [run.id] };
  if (isLive(run)) {
    return [
      { title: `$(sync~spin)${GAP}${describeState(run)}`, ...show },
      { title: `$(debug-stop)${GAP}${vscode.l10n.t("Stop")}`, command: "sandpiper.stop", arguments: [run.id] },
    ];
  }
  const outcome = outcomeOf(run);
  const duration = durationMsOf(run);
  const parts = [
    outcome === "succeeded" ? undefined : describeState(run),
    duration === undefined ? undefined : describeDuration(duration),
    describeProvider(run.target.providerId),
    describeRunCost(run),
  ].filter((part) => part !== undefined);
  const icon = { succeeded: "$(check)", failed: "$(error)", stopped: "$(circle-slash)", live: "" }[outcome];
  const status = { title: `${icon}${GAP}${parts.join(" · ")}`, tooltip: vscode.l10n.t("Show its output"), ...show };
  return [status, ...changesCommand(run)];
}

function changesCommand(run: RunRecord): readonly vscode.Command[] {
  const count = changedFileCount(run);
  if (count === 0) return [];
  const todo = hasPendingChanges(run)
    ? vscode.l10n.t("{0}: Review", describeFileCount(count))
    : describeFileCount(count);
  return [{ title: `$(diff-multiple)${GAP}${todo}`, command: "sandpiper.reviewChanges", arguments: [run.id] }];
}

function isInFolder(uri: vscode.Uri): boolean {
  return vscode.workspace.getWorkspaceFolder(uri) !== undefined;
}
