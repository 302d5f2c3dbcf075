import { basename } from "node:path";
import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SnapshotChange, SnapshotRecord } from "../../sessions/snapshot-records.ts";
import type { SnapshotDifferenceItem, SnapshotItem } from "../commands/pick-snapshot.ts";
import { describeDay } from "../describe-time.ts";
import type { EngineLink } from "../engine-link.ts";
import type { RunStore } from "../run-store.ts";
import { openRoots } from "../workspace-folder.ts";
import { toDifferenceItem, toPlaceItem, toSnapshotItem } from "./snapshot-item.ts";

/** A row of the view. */
export type SnapshotsNode =
  | { readonly kind: "snapshot-folder"; readonly root: string }
  | { readonly kind: "snapshot-day"; readonly root: string; readonly day: string }
  | SnapshotItem
  /** Which sandbox held it. */
  | { readonly kind: "snapshot-place"; readonly snapshot: SnapshotRecord }
  | SnapshotDifferenceItem
  | { readonly kind: "snapshot-more"; readonly snapshot: SnapshotRecord; readonly text: string };

/** A folder with more snapshots than this has them grouped by day. */
const MAX_UNGROUPED = 20;
/** Of the files that differ from the snapshot before, so many are listed. */
const MAX_DIFFERENCES = 50;

/** The timeline of this window's folders, newest first. */
export class SnapshotsView implements vscode.TreeDataProvider<SnapshotsNode>, Disposable {
  readonly #link: EngineLink;
  readonly #store: RunStore;
  /** By "older newer": snapshots do not change, and no event must compare them again. */
  readonly #differences = new Map<string, Promise<readonly SnapshotChange[]>>();
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new vscode.EventEmitter<void>());
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(link: EngineLink, store: RunStore) {
    this.#link = link;
    this.#store = store;
    // What runs do in between changes nothing here.
    this.#resources.add(store.onDidChange((run) => (run ? undefined : this.redraw())));
  }

  /** Times in the rows are relative and grow old. */
  redraw(): void {
    this.#changed.fire();
  }

  async getChildren(node?: SnapshotsNode): Promise<SnapshotsNode[]> {
    if (!node) return this.#roots();
    switch (node.kind) {
      case "snapshot-folder":
        return this.#timeline(node.root);
      case "snapshot-day":
        return this.#snapshotsOf(node.root)
          .filter(({ createdAt }) => describeDay(createdAt) === node.day)
          .map(toNode);
      case "snapshot":
        return await this.#details(node.snapshot);
      case "snapshot-place":
      case "snapshot-difference":
      case "snapshot-more":
        return [];
    }
  }

  getTreeItem(node: SnapshotsNode): vscode.TreeItem {
    const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    switch (node.kind) {
      case "snapshot-folder":
        return withId(new vscode.TreeItem(toDisplay(basename(node.root)), Expanded), node.root);
      case "snapshot-day": {
        const isToday = node.day === describeDay(new Date().toISOString());
        return withId(new vscode.TreeItem(node.day, isToday ? Expanded : Collapsed), `${node.root}/${node.day}`);
      }
      case "snapshot":
        return toSnapshotItem(node.snapshot, (id) => this.#store.run(id));
      case "snapshot-place":
        return toPlaceItem(node.snapshot, this.#store);
      case "snapshot-difference":
        return toDifferenceItem(node);
      case "snapshot-more":
        return withId(new vscode.TreeItem(node.text), `${node.snapshot.id}/more`);
    }
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #roots(): SnapshotsNode[] {
    const roots = openRoots();
    const [only] = roots;
    if (only !== undefined && roots.length === 1) return this.#timeline(only);
    return roots
      .filter((root) => this.#snapshotsOf(root).length > 0)
      .map((root) => ({ kind: "snapshot-folder", root }));
  }

  #timeline(root: string): SnapshotsNode[] {
    const snapshots = this.#snapshotsOf(root);
    if (snapshots.length <= MAX_UNGROUPED) return snapshots.map(toNode);
    const days = new Set(snapshots.map(({ createdAt }) => describeDay(createdAt)));
    return [...days].map((day) => ({ kind: "snapshot-day", root, day }));
  }

  #snapshotsOf(root: string): readonly SnapshotRecord[] {
    return this.#store.snapshots.filter(({ workspaceRoot }) => workspaceRoot === root);
  }

  async #details(snapshot: SnapshotRecord): Promise<SnapshotsNode[]> {
    const place: SnapshotsNode[] = snapshot.target ? [{ kind: "snapshot-place", snapshot }] : [];
    const all = this.#snapshotsOf(snapshot.workspaceRoot);
    const before = all[all.findIndex(({ id }) => id === snapshot.id) + 1];
    if (!before) return [...place, { kind: "snapshot-more", snapshot, text: vscode.l10n.t("The first one here") }];
    const changes = await this.#compare(before, snapshot);
    const rest = changes.length - MAX_DIFFERENCES;
    return [
      ...place,
      ...changes
        .slice(0, MAX_DIFFERENCES)
        .map((change): SnapshotsNode => ({ kind: "snapshot-difference", from: before, to: snapshot, change })),
      ...more(snapshot, changes.length, rest),
    ];
  }

  #compare(from: SnapshotRecord, to: SnapshotRecord): Promise<readonly SnapshotChange[]> {
    if (from.treeHash === to.treeHash) return Promise.resolve([]);
    const key = `${from.id} ${to.id}`;
    const known = this.#differences.get(key);
    if (known) return known;
    const changes = this.#link.get().then((engine) => engine.diffSnapshots(from.id, to.id));
    this.#differences.set(key, changes);
    changes.catch(() => this.#differences.delete(key));
    return changes;
  }
}

function more(snapshot: SnapshotRecord, count: number, rest: number): SnapshotsNode[] {
  if (count === 0) {
    return [{ kind: "snapshot-more", snapshot, text: vscode.l10n.t("The same files as the one before") }];
  }
  return rest > 0 ? [{ kind: "snapshot-more", snapshot, text: vscode.l10n.t("and {0} more", rest) }] : [];
}

function toNode(snapshot: SnapshotRecord): SnapshotsNode {
  return { kind: "snapshot", snapshot };
}

function withId(item: vscode.TreeItem, id: string): vscode.TreeItem {
  item.id = id;
  return item;
}
