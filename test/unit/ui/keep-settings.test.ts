import { beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { keepRetention } from "../../../src/ui/keep-retention.ts";
import { configurationChanged, resetFake, state } from "../../fakes/vscode.ts";
import { SETTINGS } from "./command-deps.ts";
import { FakeEngine, linkTo, settle } from "./fake-engine.ts";

const CHANGE = { affectsConfiguration: (section: string) => section === "sandpiper.snapshots" };

beforeEach(() => resetFake({ ...SETTINGS }));

describe("keepRetention", () => {
  it("tells the engine how long to keep snapshots when it is reached, and when the settings change", async () => {
    const engine = new FakeEngine();
    const link = linkTo(engine);
    const kept = keepRetention(link, silentLogger);
    configurationChanged.fire(CHANGE);
    await settle();
    expect(engine.asked).toEqual([]);

    await link.get();
    await settle();
    state.settings["sandpiper.snapshots.maxAgeDays"] = 7;
    configurationChanged.fire(CHANGE);
    configurationChanged.fire({ affectsConfiguration: () => false });
    await settle();
    await kept.dispose();

    expect(engine.asked).toEqual(["keep 100, 30 days, 2048 MiB", "keep 100, 7 days, 2048 MiB"]);
  });
});
