import { beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import type { Target } from "../../../../src/sessions/records.ts";
import { pickTarget, selectProvider } from "../../../../src/ui/commands/pick-target.ts";
import { readTarget } from "../../../../src/ui/target.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { FakeEngine, settle } from "../fake-engine.ts";
import { type QuickPickRow, watchQuickPicks } from "../watch-quick-picks.ts";

const KEY = JSON.stringify({ tokenId: "ak-1", tokenSecret: "as-2" });

/** An engine whose Modal is reached by keys alone. */
class KeyedEngine extends FakeEngine {
  override async checkTarget(target?: Target): Promise<void> {
    if (target?.providerId === "docker") throw new SandboxError("unavailable", "Docker is\nnot running.");
  }
}

beforeEach(() => resetFake({ ...SETTINGS }));

function setUp(stored?: string, engine = new KeyedEngine()) {
  const made = fakeDeps(engine);
  if (stored !== undefined) made.secrets.kept.set("account.modal", stored);
  return { ...made, engine };
}

/** What the picker says of each row once everything has been looked at. */
async function shownRows(stored?: string, engine = new KeyedEngine()): Promise<readonly QuickPickRow[]> {
  const { deps } = setUp(stored, engine);
  const rows = watchQuickPicks();
  const picked = selectProvider(deps);
  await settle();
  rows.hide();
  await picked;
  return rows.last;
}

describe("the provider picker", () => {
  it("says of Modal that it takes a sign-in, without asking Modal, and of others why they cannot run", async () => {
    const rows = await shownRows();

    expect(rows.find(({ label }) => label === "Modal")).toMatchObject({
      description: "sign in first",
      detail: "gVisor, GPUs, in the cloud. Needs an account, and costs while a sandbox lives.",
    });
    expect(rows.find(({ label }) => label === "Docker")).toMatchObject({
      description: "not available now",
      detail: "Docker is not running.",
    });
    expect(rows.find(({ label }) => label === "Local (bubblewrap)")).toMatchObject({ description: "current" });
  });

  it("says that the user is signed in, and asks anew when the key is no longer accepted", async () => {
    expect(await shownRows(KEY)).toContainEqual(expect.objectContaining({ label: "Modal", description: "signed in" }));

    const engine = new KeyedEngine();
    engine.checkTarget = async () => {
      throw new SandboxError("auth", "Modal does not accept the token.");
    };
    expect(await shownRows(KEY, engine)).toContainEqual(
      expect.objectContaining({ label: "Modal", description: "sign in first" }),
    );
  });

  it("lets Enter take its first row at once, and the one that it is on while others are looked at", async () => {
    const { deps } = setUp();
    const rows = watchQuickPicks();
    const picked = pickTarget(deps);
    expect(rows.active?.label).toBe("Local (bubblewrap)");
    await settle();
    expect(rows.active?.label).toBe("Local (bubblewrap)");
    rows.hide();
    await picked;
  });

  it("starts the sign-in for who picks Modal without an account, and selects it then", async () => {
    const { deps, secrets } = setUp();
    state.picks = ["Modal", "Paste a Token…"];
    state.inputs = ["ak-1", "as-2"];

    await selectProvider(deps);

    expect(secrets.kept.get("account.modal")).toBe(KEY);
    expect(state.settings["sandpiper.provider"]).toBe("modal");
    expect(state.settings["sandpiper.docker.runtime"]).toBe("");
  });

  it("leaves the provider as it is for who does not sign in", async () => {
    const { deps } = setUp();
    state.picks = ["Modal", undefined];

    await selectProvider(deps);

    expect(state.settings["sandpiper.provider"]).toBe("local");
  });

  it("offers a list of hosts on Modal alone, and leads to it while it is empty", async () => {
    const { deps } = setUp(KEY);
    state.picks = [undefined];
    await selectProvider(deps);
    expect(state.asked.at(-1)?.labels).not.toContain("Let Sandboxes Reach Hosts on a List");

    state.settings["sandpiper.provider"] = "modal";
    state.picks = ["Let Sandboxes Reach Hosts on a List"];
    await selectProvider(deps);

    expect(readTarget(undefined)).toMatchObject({ network: "allow-list", allowedHosts: [] });
    expect(state.executed).toEqual([{ command: "workbench.action.openSettings", args: ["sandpiper.allowedHosts"] }]);
  });
});

describe("Run On", () => {
  it("asks for a GPU where there are some, for this once", async () => {
    const { deps, engine } = setUp(KEY);
    engine.gpus = [{ tier: { id: "T4", title: "NVIDIA T4" } }];
    state.picks = ["Modal", "NVIDIA T4", "Nothing Else: Say So and Stop"];

    const choice = await pickTarget(deps);

    expect(choice && readTarget(undefined, choice)).toMatchObject({ providerId: "modal", gpu: "T4" });
    expect(state.settings["sandpiper.gpu"]).toBe("");
  });

  it("asks for none elsewhere", async () => {
    const { deps } = setUp(KEY);
    state.picks = ["Local (gVisor)"];

    expect(await pickTarget(deps)).toMatchObject({ id: "local-gvisor" });
    expect(state.asked).toHaveLength(1);
  });

  it("is broken off with the choice of a GPU", async () => {
    const { deps } = setUp(KEY);
    state.picks = ["Modal", undefined];

    expect(await pickTarget(deps)).toBeUndefined();
  });
});
