import * as vscode from "vscode";
import type { Disposable } from "../core/disposable-store.ts";
import type { Logger } from "../core/logger.ts";
import type { Engine } from "../sessions/engine.ts";
import type { EngineLink } from "./engine-link.ts";
import { readSetting } from "./settings.ts";
import { showError } from "./show-error.ts";

/** Settings that the engine itself goes by, whoever asks it for something. */
interface Told {
  readonly sections: readonly string[];
  tell(engine: Engine): Promise<void>;
}

const TOLD: readonly Told[] = [
  {
    sections: ["sandpiper.snapshots"],
    tell: (engine) =>
      engine.setRetention({
        maxSnapshots: readSetting("snapshots.maxCount"),
        maxAgeDays: readSetting("snapshots.maxAgeDays"),
        maxTotalMiB: readSetting("snapshots.maxTotalMiB"),
      }),
  },
  {
    sections: ["sandpiper.budget", "sandpiper.prices"],
    tell: (engine) =>
      engine.setCostPolicy({
        perRunUsd: readSetting("budget.perRunUsd"),
        perDayUsd: readSetting("budget.perDayUsd"),
        prices: readSetting("prices"),
      }),
  },
  { sections: ["sandpiper.warmPool"], tell: (engine) => engine.setWarmPool(readSetting("warmPool")) },
];

/** Tells a new engine all of them. What one of them is refused for is shown: the user counts on limits that do not hold then. */
export async function tellSettings(engine: Engine, logger: Logger): Promise<void> {
  for (const told of TOLD) await tell(engine, told, logger);
}

/** Tells the engine those that change, while there is a connection. */
export function keepSettings(link: EngineLink, logger: Logger): Disposable {
  return vscode.workspace.onDidChangeConfiguration((change) => {
    if (link.state !== "connected") return;
    const changed = TOLD.filter(({ sections }) => sections.some((section) => change.affectsConfiguration(section)));
    const tellAll = async (): Promise<void> => {
      const engine = await link.get();
      for (const told of changed) await tell(engine, told, logger);
    };
    tellAll().catch((error: unknown) => showError(error, logger));
  });
}

async function tell(engine: Engine, told: Told, logger: Logger): Promise<void> {
  try {
    await told.tell(engine);
  } catch (error) {
    showError(error, logger);
  }
}
