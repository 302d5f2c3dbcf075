import { dirname } from "node:path";
import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import type { SessionItem } from "../commands/pick-run.ts";
import { describeShortPlace } from "../describe-run.ts";
import { isLive, type RunStore } from "../run-store.ts";
import { describeTarget } from "../target.ts";
import { openRoots } from "../workspace-folder.ts";

/** Every session there is, those of other folders too: they use the machine. */
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
    return node ? [] : this.#store.sessions.map((session) => ({ kind: "session", session }));
  }

  getTreeItem({ session }: SessionItem): vscode.TreeItem {
    const item = new vscode.TreeItem(toDisplay(session.name), vscode.TreeItemCollapsibleState.None);
    const place = describeTarget(session.target, session.boundary);
    const state = this.#describe(session);
    item.id = session.id;
    item.iconPath = new vscode.ThemeIcon(session.state === "ready" ? "vm-active" : "sync~spin");
    const isHere = openRoots().includes(session.workspaceRoot);
    // Folders elsewhere may have the same name as one that is open.
    const folder = isHere ? "" : `${toDisplay(dirname(session.workspaceRoot))} · `;
    item.description = `${folder}${describeShortPlace(session)} · ${state}`;
    item.tooltip = [toDisplay(session.name), place, state, toDisplay(session.workspaceRoot)].join("\n");
    item.contextValue = ["session", session.state, ...(isHere ? ["here"] : [])].join(";");
    item.accessibilityInformation = { label: `${toDisplay(session.name)}, ${place}, ${state}` };
    return item;
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #describe(session: SessionRecord): string {
    if (session.state === "creating") return vscode.l10n.t("starting");
    if (session.state === "destroying") return vscode.l10n.t("ending");
    const live = this.#store.runs.filter((run) => run.sessionId === session.id && isLive(run)).length;
    if (live > 0) return live === 1 ? vscode.l10n.t("1 run") : vscode.l10n.t("{0} runs", live);
    const minutes = Math.max(0, Math.round((Date.parse(session.expiresAt) - Date.now()) / 60_000));
    return vscode.l10n.t("idle, ends in {0} min", minutes);
  }
}
