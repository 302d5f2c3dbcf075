import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../core/disposable-store.ts";
import type { SessionRecord } from "../sessions/records.ts";
import { type Ability, hasAbility } from "./abilities.ts";
import { isLiveBatch } from "./batch/batch-store.ts";
import type { EngineLink } from "./engine-link.ts";
import { hasPendingChanges, isLive, type RunStore } from "./run-store.ts";
import { shownBatches, shownChangeSets, shownRuns } from "./views/runs-view.ts";
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
      setSessionKeys(store.sessions, set);
      set("hasBatches", shownBatches(store).length > 0);
      set("hasLiveBatch", shownBatches(store).some(isLiveBatch));
      const roots = openRoots();
      set(
        "hasSnapshots",
        store.snapshots.some(({ workspaceRoot }) => roots.includes(workspaceRoot)),
      );
    }),
  );
  return resources;
}

/** What the palette offers is what some session can do. */
function setSessionKeys(sessions: readonly SessionRecord[], set: (key: string, value: boolean) => void): void {
  const ready = sessions.filter(({ state }) => state === "ready");
  const can = (ability: Ability): boolean => ready.some(({ target }) => hasAbility(target, ability));
  set("hasSessions", sessions.length > 0);
  set("hasPorts", can("ports"));
  set("hasImages", can("images"));
  set("hasPause", can("pause"));
  set(
    "hasPaused",
    sessions.some(({ state }) => state === "paused"),
  );
}
