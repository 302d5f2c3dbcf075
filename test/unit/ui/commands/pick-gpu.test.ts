import { beforeEach, describe, expect, it } from "vitest";
import type { GpuOffer } from "../../../../src/sessions/cloud-records.ts";
import type { Target } from "../../../../src/sessions/records.ts";
import { pickGpu, selectGpu } from "../../../../src/ui/commands/pick-gpu.ts";
import { readTarget } from "../../../../src/ui/target.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { FakeEngine, settle } from "../fake-engine.ts";
import { watchQuickPicks } from "../watch-quick-picks.ts";

const AS_OF = "2026-11-24";
const H100: GpuOffer = {
  tier: { id: "H100", title: "NVIDIA H100", vramGiB: 80, maxCount: 8 },
  rate: { usdPerHour: 4.2, asOf: AS_OF },
};
const A10: GpuOffer = {
  tier: { id: "A10", title: "NVIDIA A10", vramGiB: 24, maxCount: 4 },
  rate: { usdPerHour: 1.35, asOf: AS_OF },
};
const T4: GpuOffer = { tier: { id: "T4", title: "NVIDIA T4", vramGiB: 16 } };
const B200: GpuOffer = {
  tier: { id: "B200", title: "NVIDIA B200", vramGiB: 180, maxCount: 8 },
  rate: { usdPerHour: 6.5, asOf: AS_OF },
  disabledBecause: "It would pass today's budget of $5.00.",
};
const STOP = "Nothing Else: Say So and Stop";

beforeEach(() => resetFake({ ...SETTINGS, "sandpiper.provider": "modal" }));

function setUp() {
  const engine = new FakeEngine();
  engine.gpus = [T4, A10, H100, B200];
  engine.rate = { usdPerHour: 0.25, asOf: AS_OF };
  return { deps: fakeDeps(engine).deps, engine };
}

describe("the GPU picker", () => {
  it("shows of each its memory, its price and that of the whole sandbox, and why one cannot be had", async () => {
    const { deps } = setUp();
    const rows = watchQuickPicks();
    const picked = selectGpu(deps);
    await settle();
    const shown = rows.last.map(({ label, description, detail }) => [label, description, detail]);
    rows.hide();
    await picked;

    expect(shown).toEqual([
      ["No GPU", "$0.25/h", undefined],
      ["NVIDIA T4", "16 GB of VRAM, price unknown", undefined],
      ["NVIDIA A10", "24 GB of VRAM, $1.10/h", "$1.35/h for the whole sandbox"],
      ["NVIDIA H100", "80 GB of VRAM, $3.95/h", "$4.20/h for the whole sandbox"],
      ["NVIDIA B200", "180 GB of VRAM, $6.25/h, not available now", "It would pass today's budget of $5.00."],
    ]);
  });

  it("says that a sandbox with one cannot be paused at Daytona", async () => {
    const { deps } = setUp();
    const placeholders: string[] = [];
    for (const provider of ["modal", "daytona"]) {
      state.settings["sandpiper.provider"] = provider;
      const rows = watchQuickPicks();
      const picked = selectGpu(deps);
      await settle();
      placeholders.push(rows.placeholder);
      rows.hide();
      await picked;
    }

    expect(placeholders).toEqual([
      "Estimates, by prices of 2026-11-24",
      "Estimates, by prices of 2026-11-24. Daytona deletes a sandbox with a GPU when it stops: it cannot be paused",
    ]);
  });

  it("lets Enter take what was taken last, and none at all where nothing was", async () => {
    const { deps } = setUp();
    const labels: (string | undefined)[] = [];
    for (const gpu of ["", "H100:2"]) {
      state.settings["sandpiper.gpu"] = gpu;
      const rows = watchQuickPicks();
      const picked = selectGpu(deps);
      await settle();
      labels.push(rows.active?.label);
      rows.hide();
      await picked;
    }

    expect(labels).toEqual(["No GPU", "NVIDIA H100"]);
  });

  it("asks the engine for prices of a sandbox without the GPU that is set now", async () => {
    const { deps, engine } = setUp();
    state.settings["sandpiper.gpu"] = "H100";
    const asked: (Target | undefined)[] = [];
    engine.estimateRate = async (target?: Target) => {
      asked.push(target);
      return undefined;
    };

    await pickGpu(deps, readTarget(undefined));

    expect(asked).toHaveLength(1);
    expect(asked[0]).not.toHaveProperty("gpu");
  });

  it("writes the choice into the user's settings, with what to take instead in the order of picking", async () => {
    const { deps } = setUp();
    state.picks = ["NVIDIA H100", "2 × NVIDIA H100", "NVIDIA A10", "NVIDIA T4", "No GPU"];

    await selectGpu(deps);

    expect(readTarget(undefined)).toMatchObject({ gpu: "H100:2", gpuFallbacks: ["A10:2", "T4", "cpu"] });
  });

  it("takes no GPU away with one pick, and forgets what was to be taken instead", async () => {
    const { deps } = setUp();
    Object.assign(state.settings, { "sandpiper.gpu": "H100", "sandpiper.gpuFallbacks": ["cpu"] });
    state.picks = ["No GPU"];

    await selectGpu(deps);

    expect(state.settings).toMatchObject({ "sandpiper.gpu": "", "sandpiper.gpuFallbacks": [] });
    expect(readTarget(undefined)).not.toHaveProperty("gpu");
  });

  it("stays open for one that cannot be had, and does not offer it instead of another", async () => {
    const { deps } = setUp();
    state.picks = ["NVIDIA B200", "NVIDIA T4", STOP];

    await selectGpu(deps);

    expect(state.settings["sandpiper.gpu"]).toBe("T4");
    expect(state.asked.at(-1)?.labels).toEqual([STOP, "NVIDIA A10", "NVIDIA H100", "No GPU"]);
  });

  it("offers the last choice right after none at all, and what was taken instead then", async () => {
    const { deps } = setUp();
    state.picks = ["NVIDIA H100", "1 × NVIDIA H100", "NVIDIA A10", STOP];
    await pickGpu(deps, readTarget(undefined));

    state.picks = ["NVIDIA H100", "1 × NVIDIA H100", "As Last Time"];
    const again = await pickGpu(deps, readTarget(undefined));

    expect(again).toEqual({ gpu: "H100", fallbacks: ["A10"] });
    expect(state.asked.at(-3)?.labels.slice(0, 2)).toEqual(["No GPU", "NVIDIA H100"]);
  });

  it.each([
    ["the GPU", [undefined]],
    ["how many", ["NVIDIA H100", undefined]],
    ["what to take instead", ["NVIDIA T4", undefined]],
  ])("changes nothing for who breaks off at %s", async (_, picks) => {
    const { deps } = setUp();
    state.picks = [...picks];
    const before = { ...state.settings };

    await selectGpu(deps);

    expect(state.settings).toEqual(before);
  });

  it("leads to another provider where there is no GPU to be had", async () => {
    state.settings["sandpiper.provider"] = "local";

    await expect(selectGpu(setUp().deps)).rejects.toMatchObject({
      message: "Local has no GPUs. Select a provider that has.",
      remedies: [{ command: "sandpiper.selectProvider" }],
    });
  });
});
