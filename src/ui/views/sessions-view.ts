import { dirname } from "node:path";
import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import type { SnapshotRecord } from "../../sessions/snapshot-records.ts";
import type { SessionItem } from "../commands/pick-run.ts";
import { describeShortPlace } from "../describe-run.ts";
import { titleOfSnapshot } from "../describe-snapshot.ts";
import { describeAge } from "../describe-time.ts";
import { isLive, type RunStore } from "../run-store.ts";
import { describeTarget } from "../target.ts";
import { openRoots } from "../workspace-folder.ts";

/** How it stands with a session, as a row shows it. */
interface Standing {
  readonly icon: string;
  /** First flag of the row's context after "session". */
  readonly flag: string;
  readonly text: string;
  /** More of it, for the tooltip. */
  readonly reason?: string;
}

/** What was lost is news for a day. */
const LOST_SHOWN_MS = 86_400_000;
const MAX_ENDED = 20;

/**
 * Every sandbox that is alive, those of other folders too: they use the machine. Below them what became of this window's
 * other sessions: those whose files are kept can be restored.
 */
export class SessionsView implements vscode.TreeDataProvider<SessionItem>, Disposable {
  readonly #store: RunStore;
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new vscode.EventEmitter<void>());
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(store: RunStore) {
    this.#store = store;
    this.#resources.add(store.onDidChange(() => this.#changed.fire()));
  }

  getChildren(node?: SessionItem): SessionItem[] {
    if (node) return [];
    return [...this.#store.sessions, ...shownEnded(this.#store)].map((session) => ({ kind: "session", session }));
  }

  /** Times in the rows are relative and grow old. */
  redraw(): void {
    this.#changed.fire();
  }

  getTreeItem({ session }: SessionItem): vscode.TreeItem {
    const item = new vscode.TreeItem(toDisplay(session.name), vscode.TreeItemCollapsibleState.None);
    const place = describeTarget(session.target, session.boundary);
    const { icon, flag, text, reason } = describeStanding(this.#store, session);
    item.id = session.id;
    item.iconPath = new vscode.ThemeIcon(icon);
    const isHere = openRoots().includes(session.workspaceRoot);
    // Folders elsewhere may have the same name as one that is open.
    const folder = isHere ? "" : `${toDisplay(dirname(session.workspaceRoot))} · `;
    item.description = `${folder}${describeShortPlace(session)} · ${text}`;
    item.tooltip = [
      toDisplay(session.name),
      place,
      text,
      ...(reason === undefined ? [] : [toDisplay(reason)]),
      ...describeOrigin(this.#store, session),
      toDisplay(session.workspaceRoot),
    ].join("\n");
    item.contextValue = ["session", flag, ...(isHere ? ["here"] : [])].join(";");
    item.accessibilityInformation = { label: `${toDisplay(session.name)}, ${place}, ${text}` };
    return item;
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }
}

/** The newest snapshot of what the session's sandbox held. */
export function findSnapshotOf(store: RunStore, session: SessionRecord): SnapshotRecord | undefined {
  return store.snapshots.find(({ sessionId }) => sessionId === session.id);
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

function describeStanding(store: RunStore, session: SessionRecord): Standing {
  const { state } = session;
  if (state === "creating") return { icon: "sync~spin", flag: state, text: vscode.l10n.t("starting") };
  if (state === "destroying") return { icon: "sync~spin", flag: state, text: vscode.l10n.t("ending") };
  if (state === "ready") return { icon: "vm-active", flag: state, text: describeActivity(store, session) };
  const snapshot = findSnapshotOf(store, session);
  const age = describeAge(session.lastUsedAt);
  const reason = session.endReason === undefined ? {} : { reason: session.endReason };
  if (!snapshot) return { icon: "vm-outline", flag: "lost", text: vscode.l10n.t("lost, {0}", age), ...reason };
  const title = titleOfSnapshot(snapshot, (id) => store.run(id));
  return { icon: "history", flag: "restorable", text: vscode.l10n.t("restorable: {0}, {1}", title, age), ...reason };
}

function describeActivity(store: RunStore, session: SessionRecord): string {
  const live = store.runs.filter((run) => run.sessionId === session.id && isLive(run)).length;
  if (live > 0) return live === 1 ? vscode.l10n.t("1 run") : vscode.l10n.t("{0} runs", live);
  const minutes = Math.max(0, Math.round((Date.parse(session.expiresAt) - Date.now()) / 60_000));
  return vscode.l10n.t("idle, ends in {0} min", minutes);
}

function describeOrigin(store: RunStore, { restoredFrom }: SessionRecord): readonly string[] {
  const snapshot = restoredFrom === undefined ? undefined : store.snapshot(restoredFrom);
  if (!snapshot) return [];
  return [
    vscode.l10n.t(
      "Restored from: {0}",
      titleOfSnapshot(snapshot, (id) => store.run(id)),
    ),
  ];
}
