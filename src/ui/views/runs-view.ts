import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import type { ReviewedChange, RunRecord } from "../../sessions/records.ts";
import type { ChangeItem, RunItem } from "../commands/pick-run.ts";
import { describeRun, describeState, outcomeOf, titleOf } from "../describe-run.ts";
import { toLocalUri } from "../review/open-review.ts";
import type { ReviewFiles } from "../review/review-files.ts";
import { hasPendingChanges, isLive, type RunStore } from "../run-store.ts";
import { openRoots } from "../workspace-folder.ts";

export type RunsNode = RunItem | ChangeItem;

const MAX_SHOWN = 200;
const ICONS = {
  live: ["sync~spin", undefined],
  succeeded: ["pass", "testing.iconPassed"],
  failed: ["error", "testing.iconFailed"],
  stopped: ["circle-slash", "testing.iconSkipped"],
} as const;

/** The runs of this window's folders, newest first, with the files that each changed below it. */
export class RunsView implements vscode.TreeDataProvider<RunsNode>, Disposable {
  readonly #store: RunStore;
  readonly #files: ReviewFiles;
  readonly #changes = new WeakMap<RunRecord, Promise<readonly ReviewedChange[]>>();
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new vscode.EventEmitter<void>());
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(store: RunStore, files: ReviewFiles) {
    this.#store = store;
    this.#files = files;
    this.#resources.add(store.onDidChange(() => this.#changed.fire()));
  }

  async getChildren(node?: RunsNode): Promise<RunsNode[]> {
    if (!node) return shownRuns(this.#store).map((run) => ({ kind: "run", run }));
    if (node.kind === "change") return [];
    const changes = await this.#readChanges(node.run);
    return changes.map((change) => ({ kind: "change", runId: node.run.id, change }));
  }

  getTreeItem(node: RunsNode): vscode.TreeItem {
    if (node.kind === "run") return toRunItem(node.run);
    const run = this.#store.run(node.runId);
    return run ? toChangeItem(run, node) : new vscode.TreeItem(toDisplay(node.change.path));
  }

  /** Once per record: every decision makes a new one, and other events must not read every change set again. */
  #readChanges(run: RunRecord): Promise<readonly ReviewedChange[]> {
    const known = this.#changes.get(run);
    if (known) return known;
    const changes = this.#files.readChanges(run.id);
    this.#changes.set(run, changes);
    changes.catch(() => this.#changes.delete(run));
    return changes;
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }
}

/** What the view lists. */
export function shownRuns(store: RunStore): readonly RunRecord[] {
  const roots = openRoots();
  return store.runs.filter((run) => roots.includes(run.workspaceRoot)).slice(0, MAX_SHOWN);
}

function toRunItem(run: RunRecord): vscode.TreeItem {
  const { Collapsed, None, Expanded } = vscode.TreeItemCollapsibleState;
  const isPending = hasPendingChanges(run);
  const item = new vscode.TreeItem(titleOf(run), isPending ? Expanded : run.changes && !isLive(run) ? Collapsed : None);
  const [icon, color] = ICONS[outcomeOf(run)];
  item.id = run.id;
  item.iconPath = new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
  item.description = `${describeRun(run)} · ${toClock(run.requestedAt)}`;
  item.tooltip = [titleOf(run), describeRun(run), new Date(run.requestedAt).toLocaleString(), ...explain(run)].join(
    "\n",
  );
  item.contextValue = ["run", isLive(run) ? "live" : "ended", ...(isPending ? ["pending"] : [])].join(";");
  item.command = { title: vscode.l10n.t("Show Output"), command: "sandpiper.showRun", arguments: [run.id] };
  item.accessibilityInformation = { label: `${titleOf(run)}, ${describeRun(run)}` };
  if (changeCount(run) === 0) item.collapsibleState = None;
  return item;
}

function explain(run: RunRecord): readonly string[] {
  const skipped = run.skippedCount
    ? [vscode.l10n.t("{0} paths were not sent (ignored, secret or too large)", run.skippedCount)]
    : [];
  return [...(run.error ? [run.error.message] : []), ...(run.notes ?? []), ...skipped];
}

function changeCount(run: RunRecord): number {
  return run.changes ? run.changes.added + run.changes.modified + run.changes.deleted : 0;
}

function toChangeItem(run: RunRecord, node: ChangeItem): vscode.TreeItem {
  const { change } = node;
  const name = change.path.slice(change.path.lastIndexOf("/") + 1);
  const item = new vscode.TreeItem(toDisplay(name), vscode.TreeItemCollapsibleState.None);
  const state = describeChange(change);
  const folder = change.path.slice(0, -name.length - 1);
  item.id = `${run.id}/${change.path}`;
  item.resourceUri = toLocalUri(run, change.path);
  item.iconPath = vscode.ThemeIcon.File;
  item.description = [folder && toDisplay(folder), state].filter((part) => part).join(" · ");
  item.tooltip = `${toDisplay(change.path)}\n${state}`;
  item.contextValue = ["change", change.decision].join(";");
  item.command = { title: vscode.l10n.t("Open Diff"), command: "sandpiper.openChange", arguments: [node] };
  item.accessibilityInformation = { label: `${toDisplay(change.path)}, ${state}` };
  return item;
}

function describeChange(change: ReviewedChange): string {
  const kind = {
    added: vscode.l10n.t("added"),
    modified: vscode.l10n.t("modified"),
    deleted: vscode.l10n.t("deleted"),
  }[change.kind];
  if (change.decision === "applied") return vscode.l10n.t("{0}, applied", kind);
  if (change.decision === "discarded") return vscode.l10n.t("{0}, discarded", kind);
  if (change.status === "conflict") return vscode.l10n.t("{0}, conflict: changed here too", kind);
  return change.isProtected ? vscode.l10n.t("{0}, protected", kind) : kind;
}

function toClock(time: string): string {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : date.toLocaleDateString();
}

/** The badge on the activity bar: how many runs go on. */
export function toBadge(store: RunStore): vscode.ViewBadge | undefined {
  const live = shownRuns(store).filter(isLive);
  if (live.length === 0) return undefined;
  const tooltip = live.map((run) => `${titleOf(run)}: ${describeState(run)}`).join("\n");
  return { value: live.length, tooltip };
}
