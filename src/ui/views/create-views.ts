import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { EngineLink } from "../engine-link.ts";
import { limitRate } from "../limit-rate.ts";
import type { Cells } from "../cells/cells.ts";
import type { ReviewFiles } from "../review/review-files.ts";
import type { RunStore } from "../run-store.ts";
import { RunsView, toBadge } from "./runs-view.ts";
import { SessionsView } from "./sessions-view.ts";
import { SnapshotsView } from "./snapshots-view.ts";

/** Rows that say how long ago something was are drawn anew this often. */
const REDRAW_MS = 60_000;
/** Batches change many times a second. */
const BADGE_MS = 500;

/** What the views are drawn from. */
interface ViewDeps {
  readonly link: EngineLink;
  readonly store: RunStore;
  readonly reviewFiles: ReviewFiles;
  readonly cells: Cells;
}

/** The views of the activity bar's container, with the number of live runs on it. */
export function createViews({ link, store, reviewFiles, cells }: ViewDeps): Disposable {
  const resources = new DisposableStore();
  const runs = vscode.window.createTreeView("sandpiper.runs", {
    treeDataProvider: resources.add(new RunsView(store, reviewFiles)),
    showCollapseAll: true,
  });
  resources.add(runs);
  const sessions = resources.add(new SessionsView(store, cells));
  const snapshots = resources.add(new SnapshotsView(link, store));
  resources.add(
    keepTimes(vscode.window.createTreeView("sandpiper.sessions", { treeDataProvider: sessions }), sessions),
  );
  resources.add(
    keepTimes(
      vscode.window.createTreeView("sandpiper.snapshots", {
        treeDataProvider: snapshots,
        showCollapseAll: true,
        canSelectMany: true,
      }),
      snapshots,
    ),
  );
  const badge = resources.add(
    limitRate(() => {
      runs.badge = toBadge(store);
    }, BADGE_MS),
  );
  resources.add(store.onDidChange(() => badge.request()));
  resources.add(store.batches.onDidChange(() => badge.request()));
  return resources;
}

/** Owns the view, and redraws its rows while they are seen. */
function keepTimes(view: vscode.TreeView<unknown>, rows: { redraw(): void }): Disposable {
  const timer = setInterval(() => view.visible && rows.redraw(), REDRAW_MS);
  return {
    dispose: () => {
      clearInterval(timer);
      view.dispose();
    },
  };
}
