import { beforeEach, describe, expect, it } from "vitest";
import type { Target } from "../../../../src/sessions/records.ts";
import { selectImage } from "../../../../src/ui/commands/pick-image.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { FakeEngine, settle } from "../fake-engine.ts";
import { watchQuickPicks } from "../watch-quick-picks.ts";

beforeEach(() => resetFake({ ...SETTINGS, "sandpiper.provider": "e2b" }));

function setUp() {
  const engine = new FakeEngine();
  engine.images = [
    { id: "code-interpreter-v1", title: "code-interpreter-v1", cpus: 2, memoryMiB: 512 },
    { id: "big", title: "big", cpus: 8, memoryMiB: 8192 },
    { id: "snap-1", title: "before the upgrade" },
  ];
  const asked: Target[] = [];
  engine.estimateRate = async (target?: Target) => {
    if (target) asked.push(target);
    return { usdPerHour: target?.image === "big" ? 0.53 : 0.109, asOf: "2026-08-06" };
  };
  return { deps: fakeDeps(engine).deps, engine, asked };
}

describe("the image picker", () => {
  it("shows of each what sandboxes from it have and cost, and asks no price where nobody knows its size", async () => {
    const { deps, asked } = setUp();
    const rows = watchQuickPicks();
    const picked = selectImage(deps);
    await settle();
    const shown = rows.last.map(({ label, description }) => [label, description]);
    rows.hide();
    await picked;

    expect(shown).toEqual([
      ["code-interpreter-v1", "2 CPUs, 512 MiB, $0.11/h, default, current"],
      ["big", "8 CPUs, 8 GiB, $0.53/h"],
      ["before the upgrade", "price unknown"],
      ["Type a Name…", undefined],
    ]);
    expect(rows.placeholder).toBe("Estimates, by prices of 2026-08-06");
    expect(asked.map(({ image }) => image)).toEqual(["code-interpreter-v1", "big"]);
  });

  it.each([
    ["big", "big"],
    ["before the upgrade", "snap-1"],
    ["code-interpreter-v1", ""],
  ])("makes %s the setting", async (label, image) => {
    state.settings["sandpiper.e2b.template"] = "other";
    state.picks = [label];

    await selectImage(setUp().deps);

    expect(state.settings["sandpiper.e2b.template"]).toBe(image);
  });

  it("takes a name that it does not list", async () => {
    state.picks = ["Type a Name…"];
    state.inputs = [" my-template "];

    await selectImage(setUp().deps);

    expect(state.settings["sandpiper.e2b.template"]).toBe("my-template");
  });

  it("asks for a name at once where any image of a registry will do", async () => {
    state.settings["sandpiper.provider"] = "docker";
    const { deps, engine } = setUp();
    engine.images = [];
    state.inputs = ["python:3.13"];

    await selectImage(deps);

    expect(state.asked).toEqual([]);
    expect(state.settings["sandpiper.docker.image"]).toBe("python:3.13");
  });

  it("changes nothing for who breaks off", async () => {
    state.picks = ["Type a Name…"];
    state.inputs = [];
    const before = { ...state.settings };

    await selectImage(setUp().deps);

    expect(state.settings).toEqual(before);
  });

  it("leads to another provider where sandboxes start from no image", async () => {
    state.settings["sandpiper.provider"] = "local";

    await expect(selectImage(setUp().deps)).rejects.toMatchObject({
      message: "Local starts from no image.",
      remedies: [{ command: "sandpiper.selectProvider" }],
    });
  });
});
