import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import type { SessionItem } from "../commands/pick-run.ts";
import type { Cells } from "../cells/cells.ts";
import type { ContextItem } from "../cells/restart-context.ts";
import type { RunStore } from "../run-store.ts";
import { openRoots } from "../workspace-folder.ts";
import { findSnapshotOf, toDetachedItem, toSessionItem } from "./session-item.ts";

/** Sandboxes that were made for one run each, when there are many. */
interface DetachedItem {
  readonly kind: "sessions-detached";
  readonly sessions: readonly SessionRecord[];
}

/** A row of the view. */
type SessionsNode = SessionItem | DetachedItem | ContextItem;

/** What was lost is news for a day. */
const LOST_SHOWN_MS = 86_400_000;
const MAX_ENDED = 20;
/** More sandboxes of single runs than this share one row, as those of a batch do. */
const MAX_DETACHED = 5;
/** Below that row so many are listed. */
const MAX_LISTED = 50;

/**
 * Every sandbox that is alive, those of other folders too: they use the machine; under each the contexts that its cells keep
 * their state in. Below them what became of this window's other sessions: those whose files are kept can be restored.
 */
export class SessionsView implements vscode.TreeDataProvider<SessionsNode>, Disposable {
  readonly #store: RunStore;
  readonly #cells: Cells;
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new vscode.EventEmitter<void>());
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(store: RunStore, cells: Cells) {
    this.#store = store;
    this.#cells = cells;
    this.#resources.add(cells.onDidChangeContexts(() => this.#changed.fire()));
    this.#resources.add(store.onDidChange(() => this.#changed.fire()));
  }

  async getChildren(node?: SessionsNode): Promise<SessionsNode[]> {
    if (node?.kind === "context") return [];
    if (node?.kind === "session") return [...(await (await this.#cells.desk()).contexts.list(node.session))];
    if (node) return node.sessions.slice(0, MAX_LISTED).map(toNode);
    const alive = this.#store.sessions;
    const detached = alive.filter(({ isDetached }) => isDetached);
    const isMany = detached.length > MAX_DETACHED;
    return [
      ...alive.filter(({ isDetached }) => !isMany || !isDetached).map(toNode),
      ...(isMany ? [{ kind: "sessions-detached", sessions: detached } as const] : []),
      ...shownEnded(this.#store).map(toNode),
    ];
  }

  /** Times in the rows are relative and grow old. */
  redraw(): void {
    this.#changed.fire();
  }

  async getTreeItem(node: SessionsNode): Promise<vscode.TreeItem> {
    if (node.kind === "context") return (await this.#cells.desk()).toContextItem(node);
    return node.kind === "session" ? toSessionItem(this.#store, node.session) : toDetachedItem(node.sessions);
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }
}

function shownEnded(store: RunStore): readonly SessionRecord[] {
  const roots = openRoots();
  return store.endedSessions
    .filter((session) => roots.includes(session.workspaceRoot))
    .filter((session) => isNews(session) || findSnapshotOf(store, session))
    .slice(0, MAX_ENDED);
}

function isNews({ lastUsedAt }: SessionRecord): boolean {
  return Date.now() - Date.parse(lastUsedAt) < LOST_SHOWN_MS;
}

function toNode(session: SessionRecord): SessionItem {
  return { kind: "session", session };
}
