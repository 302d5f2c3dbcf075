import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../core/disposable-store.ts";
import type { EngineLink } from "./engine-link.ts";
import { hasPendingChanges, isLive, type RunStore } from "./run-store.ts";
import { shownChangeSets, shownRuns } from "./views/runs-view.ts";
import { openRoots } from "./workspace-folder.ts";

/** Keeps the context keys up that menus and welcome views of package.json ask for. */
export function keepContexts(link: EngineLink, store: RunStore): Disposable {
  const resources = new DisposableStore();
  const known = new Map<string, boolean>();
  const set = (key: string, value: boolean): void => {
    if (known.get(key) === value) return;
    known.set(key, value);
    void vscode.commands.executeCommand("setContext", `sandpiper.${key}`, value);
  };
  resources.add(link.onDidChangeState((state) => set("engineFailed", state === "failed")));
  resources.add(
    store.onDidChange(() => {
      const runs = shownRuns(store);
      set("isRunning", runs.some(isLive));
      set("hasPendingChanges", runs.some(hasPendingChanges) || shownChangeSets(store).length > 0);
      set("hasSessions", store.sessions.length > 0);
      const roots = openRoots();
      set(
        "hasSnapshots",
        store.snapshots.some(({ workspaceRoot }) => roots.includes(workspaceRoot)),
      );
    }),
  );
  return resources;
}
