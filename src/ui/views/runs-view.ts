import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import type { ReviewedChange, RunRecord } from "../../sessions/records.ts";
import type { ChangeSetRecord } from "../../sessions/snapshot-records.ts";
import type { BatchRecord } from "../../sessions/cloud-records.ts";
import type { BatchItem, ChangeItem, ChangeSetItem, RunItem } from "../commands/pick-run.ts";
import { isBatchRun, isLiveBatch } from "../batch/batch-store.ts";
import { describeBatch, titleOfBatch } from "../describe-batch.ts";
import { describeState, titleOf } from "../describe-run.ts";
import { limitRate } from "../limit-rate.ts";
import type { ReviewFiles } from "../review/review-files.ts";
import { toSubject } from "../review/review-subject.ts";
import { hasPendingChanges, isLive, type RunStore } from "../run-store.ts";
import { openRoots } from "../workspace-folder.ts";
import {
  type BatchPageItem,
  childrenOfBatch,
  childrenOfPage,
  toBatchItem,
  toBatchNode,
  toBatchPageItem,
} from "./batch-item.ts";
import { toChangeItem } from "./change-item.ts";
import { toBatchRunItem, toChangeSetItem, toRunItem } from "./run-item.ts";

export type RunsNode = RunItem | BatchItem | BatchPageItem | ChangeSetItem | ChangeItem;

const MAX_SHOWN = 200;
const MAX_BATCHES = 50;
/** A batch's runs begin and end many times a second: its rows are drawn anew this often. */
const BATCH_MS = 1_000;

/**
 * The runs of this window's folders, newest first, with the files that each changed below it, those of a batch under one
 * row; above them what a restore or a pull brought and nobody has decided about.
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
    const batches = this.#resources.add(limitRate(() => this.#changed.fire(), BATCH_MS));
    this.#resources.add(store.batches.onDidChange(() => batches.request()));
    this.#resources.add(vscode.workspace.onDidSaveTextDocument(({ uri }) => this.#compareAgain(uri)));
  }

  async getChildren(node?: RunsNode): Promise<RunsNode[]> {
    if (!node) return this.#roots();
    if (node.kind === "change") return [];
    if (node.kind === "batch") return childrenOfBatch(this.#store.batches, node.batch);
    if (node.kind === "batch-page") return childrenOfPage(this.#store.batches, node);
    const record = node.kind === "run" ? node.run : node.changeSet;
    const changes = await this.#readChanges(record);
    return changes.map((change) => ({ kind: "change", subjectId: record.id, change }));
  }

  getTreeItem(node: RunsNode): vscode.TreeItem {
    if (node.kind === "run") return isBatchRun(node.run) ? toBatchRunItem(node.run) : toRunItem(node.run);
    if (node.kind === "batch") return toBatchItem(node.batch);
    if (node.kind === "batch-page") return toBatchPageItem(node, this.#store.batches);
    if (node.kind === "change-set") return toChangeSetItem(node.changeSet, this.#store);
    const record = this.#store.run(node.subjectId) ?? this.#store.changeSet(node.subjectId);
    return record
      ? toChangeItem(toSubject(record, this.#store), node)
      : new vscode.TreeItem(toDisplay(node.change.path));
  }

  #roots(): RunsNode[] {
    const dated = [
      ...shownRuns(this.#store).map((run) => ({ time: run.requestedAt, node: { kind: "run", run } as const })),
      ...shownBatches(this.#store).map((batch) => ({ time: batch.requestedAt, node: toBatchNode(batch) })),
    ];
    return [
      ...shownChangeSets(this.#store).map((changeSet): RunsNode => ({ kind: "change-set", changeSet })),
      ...dated.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0)).map(({ node }) => node),
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

/** Batches of this window's folders, newest first, as many as the view lists. */
export function shownBatches(store: RunStore): readonly BatchRecord[] {
  const roots = openRoots();
  return store.batches.all.filter(({ workspaceRoot }) => roots.includes(workspaceRoot)).slice(0, MAX_BATCHES);
}

/** How many runs of this window's folders go on, those of batches included. */
export function countLive(store: RunStore): number {
  const batches = shownBatches(store).filter(isLiveBatch);
  return shownRuns(store).filter(isLive).length + batches.reduce((sum, { active }) => sum + active, 0);
}

/** The badge on the activity bar: how many runs go on. */
export function toBadge(store: RunStore): vscode.ViewBadge | undefined {
  const value = countLive(store);
  if (value === 0) return undefined;
  const lines = [
    ...shownBatches(store)
      .filter(isLiveBatch)
      .map((batch) => `${titleOfBatch(batch)}: ${describeBatch(batch)}`),
    ...shownRuns(store)
      .filter(isLive)
      .map((run) => `${titleOf(run)}: ${describeState(run)}`),
  ];
  return { value, tooltip: lines.join("\n") };
}
