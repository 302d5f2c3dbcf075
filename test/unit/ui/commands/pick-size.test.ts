import { beforeEach, describe, expect, it } from "vitest";
import type { Target } from "../../../../src/sessions/records.ts";
import { selectSize } from "../../../../src/ui/commands/pick-size.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { FakeEngine, settle } from "../fake-engine.ts";
import { watchQuickPicks } from "../watch-quick-picks.ts";

beforeEach(() => resetFake({ ...SETTINGS, "sandpiper.provider": "modal" }));

function setUp() {
  const engine = new FakeEngine();
  engine.estimateRate = async (target?: Target) => ({ usdPerHour: (target?.cpus ?? 0) / 10, asOf: "2026-07-01" });
  return fakeDeps(engine).deps;
}

describe("the size picker", () => {
  it("shows what sizes cost, and which is set", async () => {
    state.settings["sandpiper.cpus"] = 3;
    const deps = setUp();
    const rows = watchQuickPicks();
    const picked = selectSize(deps);
    await settle();
    const shown = rows.last.map(({ label, description }) => [label, description]);
    rows.hide();
    await picked;

    expect(shown.slice(0, 3)).toEqual([
      ["3 CPUs, 2 GiB", "$0.30/h, current"],
      ["1 CPU, 1 GiB", "$0.10/h"],
      ["2 CPUs, 2 GiB", "$0.20/h"],
    ]);
    expect(shown.at(-1)?.[0]).toBe("Another Size…");
    expect(rows.active?.label).toBe("3 CPUs, 2 GiB");
  });

  it("makes a size the setting, on this machine without a price", async () => {
    state.settings["sandpiper.provider"] = "local";
    state.picks = ["4 CPUs, 8 GiB"];

    await selectSize(setUp());

    expect(state.settings).toMatchObject({ "sandpiper.cpus": 4, "sandpiper.memoryMiB": 8192 });
  });

  it("takes a size that it does not list", async () => {
    state.picks = ["Another Size…"];
    state.inputs = ["0.5", "1500"];

    await selectSize(setUp());

    expect(state.settings).toMatchObject({ "sandpiper.cpus": 0.5, "sandpiper.memoryMiB": 1500 });
  });

  it.each([[["0", "1500"]], [["2"]], [["2", "x"]]])("changes nothing for %j", async (inputs) => {
    state.picks = ["Another Size…"];
    state.inputs = [...inputs];
    const before = { ...state.settings };

    await selectSize(setUp());

    expect(state.settings).toEqual(before);
  });

  it.each([
    ["e2b", {}, "A template of E2B says itself"],
    ["daytona", {}, "A snapshot of Daytona says itself"],
    ["daytona", { "sandpiper.daytona.image": "snapshot:mine" }, "A snapshot of Daytona says itself"],
  ])("leads to another image where that decides, on %s with %j", async (provider, settings, message) => {
    Object.assign(state.settings, { "sandpiper.provider": provider, ...settings });

    const error = await selectSize(setUp()).catch((thrown: unknown) => thrown);

    expect(String(error)).toContain(message);
    expect(error).toMatchObject({ remedies: [{ command: "sandpiper.selectImage" }] });
  });

  it("asks for a size where Daytona's sandboxes start from an image of a registry", async () => {
    Object.assign(state.settings, { "sandpiper.provider": "daytona", "sandpiper.daytona.image": "python:3.13" });
    state.picks = ["1 CPU, 1 GiB"];

    await selectSize(setUp());

    expect(state.settings["sandpiper.cpus"]).toBe(1);
  });
});
