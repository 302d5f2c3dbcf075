import { readdir } from "node:fs/promises";
import type { Logger } from "../core/logger.ts";
import { toMessage } from "../core/sandbox-error.ts";
import type { StateFolder } from "../sessions/state-folder.ts";
import type { RunStore } from "./run-store.ts";
import type { RunTerminals } from "./terminal/run-terminals.ts";
import { openRoots } from "./workspace-folder.ts";

/** What is needed to take up what went on before this window. */
export interface RestoreDeps {
  readonly state: StateFolder;
  readonly store: RunStore;
  readonly terminals: RunTerminals;
  readonly logger: Logger;
}

/** Reaches the engine when something is on record, and gives those that go on their terminals back. Returns at once; failures are logged, for nobody asked. */
export function restoreRuns(deps: RestoreDeps): void {
  void restore(deps).catch((error: unknown) => deps.logger.warn(`Runs could not be restored: ${toMessage(error)}`));
}

async function restore({ state, store, terminals }: RestoreDeps): Promise<void> {
  // Without records there is nothing to show, and no reason to start the engine.
  const folders = [state.runs, state.ledger, state.snapshots, state.changeSets];
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  if (names.flat().length === 0) return;
  await store.load();
  await terminals.restore(openRoots());
}
