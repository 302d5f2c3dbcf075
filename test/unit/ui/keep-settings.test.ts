import { beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../src/core/sandbox-error.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { keepSettings, tellSettings } from "../../../src/ui/keep-settings.ts";
import { configurationChanged, resetFake, state } from "../../fakes/vscode.ts";
import { SETTINGS } from "./command-deps.ts";
import { FakeEngine, linkTo, settle } from "./fake-engine.ts";

const ALL = ["keep 100, 30 days, 2048 MiB", 'cost policy {"perRunUsd":0,"perDayUsd":0,"prices":{}}', "warm 0"] as const;

function change(changed: string): void {
  configurationChanged.fire({ affectsConfiguration: (section) => changed.startsWith(section) });
}

beforeEach(() => resetFake({ ...SETTINGS }));

describe("the engine", () => {
  it("is told every limit when it is reached", async () => {
    const engine = new FakeEngine();

    await tellSettings(engine, silentLogger);

    expect(engine.asked).toEqual(ALL);
  });

  it("is told what changes while there is a connection, and nothing else", async () => {
    const engine = new FakeEngine();
    const link = linkTo(engine);
    const kept = keepSettings(link, silentLogger);
    change("sandpiper.snapshots.maxAgeDays");
    await settle();
    expect(engine.asked).toEqual([]);

    await link.get();
    state.settings["sandpiper.snapshots.maxAgeDays"] = 7;
    change("sandpiper.snapshots.maxAgeDays");
    await settle();
    state.settings["sandpiper.budget.perDayUsd"] = 20;
    change("sandpiper.budget.perDayUsd");
    await settle();
    state.settings["sandpiper.warmPool"] = 2;
    change("sandpiper.warmPool");
    change("sandpiper.codeLens.enabled");
    await settle();
    await kept.dispose();

    expect(engine.asked).toEqual([
      "keep 100, 7 days, 2048 MiB",
      'cost policy {"perRunUsd":0,"perDayUsd":20,"prices":{}}',
      "warm 2",
    ]);
  });

  it("is told the rest although it refuses one of them, and the user sees what it refuses", async () => {
    const engine = new FakeEngine();
    engine.setRetention = async () => {
      throw new SandboxError("invalid", "Snapshots are kept for at least a day.");
    };

    await tellSettings(engine, silentLogger);

    expect(state.messages).toMatchObject([{ level: "error", message: "Snapshots are kept for at least a day." }]);
    expect(engine.asked).toEqual(ALL.slice(1));
  });
});
