import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { ReviewFiles } from "../review/review-files.ts";
import type { RunStore } from "../run-store.ts";
import { RunsView, toBadge } from "./runs-view.ts";
import { SessionsView } from "./sessions-view.ts";

/** The views of the activity bar's container, with the number of live runs on it. */
export function createViews(store: RunStore, files: ReviewFiles): Disposable {
  const resources = new DisposableStore();
  const runs = vscode.window.createTreeView("sandpiper.runs", {
    treeDataProvider: resources.add(new RunsView(store, files)),
    showCollapseAll: true,
  });
  resources.add(runs);
  resources.add(
    vscode.window.createTreeView("sandpiper.sessions", { treeDataProvider: resources.add(new SessionsView(store)) }),
  );
  resources.add(
    store.onDidChange(() => {
      runs.badge = toBadge(store);
    }),
  );
  return resources;
}
