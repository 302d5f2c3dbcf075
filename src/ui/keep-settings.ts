import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../core/disposable-store.ts";
import type { Logger } from "../core/logger.ts";
import { toMessage } from "../core/sandbox-error.ts";
import type { EngineLink } from "./engine-link.ts";
import { readSetting } from "./settings.ts";

/** Tells the engine how long to keep snapshots: when it is reached and when the settings change. */
export function keepRetention(link: EngineLink, logger: Logger): Disposable {
  const resources = new DisposableStore();
  const tell = (): void => {
    // Nobody asked: what goes wrong is logged.
    void tellRetention(link).catch((error: unknown) => logger.warn(`Limits of snapshots: ${toMessage(error)}`));
  };
  resources.add(link.onDidChangeState((state) => state === "connected" && tell()));
  resources.add(
    vscode.workspace.onDidChangeConfiguration((change) => {
      // An engine that is not there is told when it is reached.
      if (change.affectsConfiguration("sandpiper.snapshots") && link.state === "connected") tell();
    }),
  );
  return resources;
}

async function tellRetention(link: EngineLink): Promise<void> {
  const engine = await link.get();
  await engine.setRetention({
    maxSnapshots: readSetting("snapshots.maxCount"),
    maxAgeDays: readSetting("snapshots.maxAgeDays"),
    maxTotalMiB: readSetting("snapshots.maxTotalMiB"),
  });
}
