import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import type { ReviewedChange, RunRecord } from "../../sessions/records.ts";
import type { ChangeSetRecord } from "../../sessions/snapshot-records.ts";
import type { ChangeItem, ChangeSetItem, RunItem } from "../commands/pick-run.ts";
import {
  changedFileCount,
  describeFileCount,
  describeRun,
  describeState,
  outcomeOf,
  titleOf,
} from "../describe-run.ts";
import { describeTime } from "../describe-time.ts";
import type { ReviewFiles } from "../review/review-files.ts";
import { toSubject } from "../review/review-subject.ts";
import { hasPendingChanges, isLive, type RunStore } from "../run-store.ts";
import { openRoots } from "../workspace-folder.ts";
import { toChangeItem } from "./change-item.ts";

export type RunsNode = RunItem | ChangeSetItem | ChangeItem;

const MAX_SHOWN = 200;
const ICONS = {
  live: ["sync~spin", undefined],
  succeeded: ["pass", "testing.iconPassed"],
  failed: ["error", "testing.iconFailed"],
  stopped: ["circle-slash", "testing.iconSkipped"],
} as const;

/**
 * The runs of this window's folders, newest first, with the files that each changed below it; above them what a restore or
 * a pull brought and nobody has decided about.
 */
export class RunsView implements vscode.TreeDataProvider<RunsNode>, Disposable {
  readonly #store: RunStore;
  readonly #files: ReviewFiles;
  #changes = new WeakMap<RunRecord | ChangeSetRecord, Promise<readonly ReviewedChange[]>>();
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new vscode.EventEmitter<void>());
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(store: RunStore, files: ReviewFiles) {
    this.#store = store;
    this.#files = files;
    this.#resources.add(store.onDidChange(() => this.#changed.fire()));
    this.#resources.add(vscode.workspace.onDidSaveTextDocument(({ uri }) => this.#compareAgain(uri)));
  }

  async getChildren(node?: RunsNode): Promise<RunsNode[]> {
    if (!node) return this.#roots();
    if (node.kind === "change") return [];
    const record = node.kind === "run" ? node.run : node.changeSet;
    const changes = await this.#readChanges(record);
    return changes.map((change) => ({ kind: "change", subjectId: record.id, change }));
  }

  getTreeItem(node: RunsNode): vscode.TreeItem {
    if (node.kind === "run") return toRunItem(node.run);
    if (node.kind === "change-set") return toChangeSetItem(node.changeSet, this.#store);
    const record = this.#store.run(node.subjectId) ?? this.#store.changeSet(node.subjectId);
    return record
      ? toChangeItem(toSubject(record, this.#store), node)
      : new vscode.TreeItem(toDisplay(node.change.path));
  }

  #roots(): RunsNode[] {
    return [
      ...shownChangeSets(this.#store).map((changeSet): RunsNode => ({ kind: "change-set", changeSet })),
      ...shownRuns(this.#store).map((run): RunsNode => ({ kind: "run", run })),
    ];
  }

  /** What is saved here may stand in the way of what is still to be decided. */
  #compareAgain(uri: vscode.Uri): void {
    const pending = [...shownChangeSets(this.#store), ...shownRuns(this.#store).filter(hasPendingChanges)];
    if (!pending.some(({ workspaceRoot }) => uri.fsPath.startsWith(workspaceRoot))) return;
    this.#changes = new WeakMap();
    this.#changed.fire();
  }

  /** Once per record: every decision makes a new one, and other events must not read every change set again. */
  #readChanges(record: RunRecord | ChangeSetRecord): Promise<readonly ReviewedChange[]> {
    const known = this.#changes.get(record);
    if (known) return known;
    const changes = this.#files.readChanges(record.id);
    this.#changes.set(record, changes);
    changes.catch(() => this.#changes.delete(record));
    return changes;
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }
}

/** Change sets of this window's folders that are not decided yet. */
export function shownChangeSets(store: RunStore): readonly ChangeSetRecord[] {
  const roots = openRoots();
  return store.changeSets.filter((each) => roots.includes(each.workspaceRoot) && hasPendingChanges(each));
}

/** Runs of this window's folders, as many as the view lists. */
export function shownRuns(store: RunStore): readonly RunRecord[] {
  const roots = openRoots();
  return store.runs.filter((run) => roots.includes(run.workspaceRoot)).slice(0, MAX_SHOWN);
}

function toRunItem(run: RunRecord): vscode.TreeItem {
  const { Collapsed, None, Expanded } = vscode.TreeItemCollapsibleState;
  const isPending = hasPendingChanges(run);
  const isOpenable = !isLive(run) && changedFileCount(run) > 0;
  const item = new vscode.TreeItem(titleOf(run), isPending ? Expanded : isOpenable ? Collapsed : None);
  const [icon, color] = ICONS[outcomeOf(run)];
  // VS Code keeps a row as it was, closed too: one that has something to open is another row.
  item.id = isOpenable ? `${run.id}/changed` : run.id;
  item.iconPath = new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
  item.description = `${describeRun(run)} · ${describeTime(run.requestedAt)}`;
  item.tooltip = [titleOf(run), describeRun(run), new Date(run.requestedAt).toLocaleString(), ...explain(run)].join(
    "\n",
  );
  item.contextValue = ["run", isLive(run) ? "live" : "ended", ...(isPending ? ["pending"] : [])].join(";");
  item.command = { title: vscode.l10n.t("Show Output"), command: "sandpiper.showRun", arguments: [run.id] };
  item.accessibilityInformation = { label: `${titleOf(run)}, ${describeRun(run)}` };
  return item;
}

function toChangeSetItem(changeSet: ChangeSetRecord, store: RunStore): vscode.TreeItem {
  const { title } = toSubject(changeSet, store);
  const item = new vscode.TreeItem(title, vscode.TreeItemCollapsibleState.Expanded);
  const count = describeFileCount(changeSet.changes.pending);
  item.id = changeSet.id;
  item.iconPath = new vscode.ThemeIcon(changeSet.cause === "restore" ? "history" : "repo-pull");
  item.description = `${count} · ${describeTime(changeSet.createdAt)}`;
  item.tooltip = [title, count, new Date(changeSet.createdAt).toLocaleString()].join("\n");
  item.contextValue = "change-set;pending";
  item.command = { title: vscode.l10n.t("Review"), command: "sandpiper.reviewChanges", arguments: [changeSet.id] };
  item.accessibilityInformation = { label: `${title}, ${count}` };
  return item;
}

function explain(run: RunRecord): readonly string[] {
  const skipped = run.skippedCount
    ? [vscode.l10n.t("{0} paths were not sent (ignored, secret or too large)", run.skippedCount)]
    : [];
  return [...(run.error ? [run.error.message] : []), ...(run.notes ?? []), ...skipped];
}

/** The badge on the activity bar: how many runs go on. */
export function toBadge(store: RunStore): vscode.ViewBadge | undefined {
  const live = shownRuns(store).filter(isLive);
  if (live.length === 0) return undefined;
  const tooltip = live.map((run) => `${titleOf(run)}: ${describeState(run)}`).join("\n");
  return { value: live.length, tooltip };
}
