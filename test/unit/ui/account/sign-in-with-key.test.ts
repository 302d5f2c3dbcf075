import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { ACCOUNTS } from "../../../../src/sessions/accounts.ts";
import { signIn } from "../../../../src/ui/commands/sign-in.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";

let home: string;

beforeEach(() => {
  resetFake({ ...SETTINGS });
  home = mkdtempSync(join(tmpdir(), "sandpiper-keys-"));
  for (const { variable } of ACCOUNTS.flatMap(({ keyParts }) => keyParts)) vi.stubEnv(variable, undefined);
  vi.stubEnv("HOME", home);
  vi.stubEnv("DAYTONA_CONFIG_DIR", join(home, "daytona"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

describe("signing in with one key", () => {
  it("asks where, when nobody said so", async () => {
    state.picks = ["E2B", "Paste an API Key…"];
    state.inputs = ["e2b_abc"];
    const { deps, secrets } = fakeDeps();

    await signIn(deps);

    expect(state.asked[0]?.labels).toEqual(["Modal", "E2B", "Daytona"]);
    expect([...secrets.kept]).toEqual([["account.e2b", JSON.stringify({ apiKey: "e2b_abc" })]]);
  });

  it.each([
    ["e2b", "E2B", "e2b_abc", "https://e2b.dev/dashboard?tab=keys"],
    ["daytona", "Daytona", "dtn_abc", "https://app.daytona.io/dashboard/keys"],
  ])("to %s takes what its page gives, or the whole line that sets it", async (id, title, key, page) => {
    const { deps, secrets } = fakeDeps();
    state.picks = ["Create an API Key…"];
    state.inputs = [`export ${title.toUpperCase()}_API_KEY="${key}"`];

    await signIn(deps, id);

    expect(state.opened).toEqual([page]);
    expect(secrets.kept.get(`account.${id}`)).toBe(JSON.stringify({ apiKey: key }));
    expect(state.messages).toMatchObject([{ message: `Signed in to ${title}.` }]);
  });

  it("doubts what looks like another provider's", async () => {
    state.picks = ["Paste an API Key…"];
    state.inputs = ["dtn_abc"];

    await signIn(fakeDeps().deps, "e2b");

    expect(state.inputBoxes).toMatchObject([
      { password: true, doubt: { message: "E2B_API_KEY usually begins with e2b_", severity: 2 } },
    ]);
  });

  it("is refused in the words of that provider, and keeps nothing", async () => {
    const { deps, engine, secrets } = fakeDeps();
    engine.checkTarget = async () => {
      throw new SandboxError("auth", "No.");
    };
    state.picks = ["Paste an API Key…"];
    state.inputs = ["e2b_wrong"];

    await expect(signIn(deps, "e2b")).rejects.toMatchObject({
      message: "E2B does not accept this API key. It was not kept.",
      remedies: [{ command: "sandpiper.signIn", args: ["e2b"] }],
    });

    expect(engine.asked).toEqual(["credential e2b apiKey", "credential e2b none"]);
    expect(secrets.kept.size).toBe(0);
  });

  it("takes it from the environment", async () => {
    vi.stubEnv("E2B_API_KEY", "e2b_env");
    state.picks = ["Use E2B_API_KEY"];
    const { deps, secrets } = fakeDeps();

    await signIn(deps, "e2b");

    expect(secrets.kept.get("account.e2b")).toBe(JSON.stringify({ apiKey: "e2b_env" }));
  });

  it("takes it from a profile, and shows which server each is for", async () => {
    mkdirSync(join(home, "daytona"));
    const profiles = [
      { id: "1", name: "own", api: { url: "https://daytona.example/api", key: "dtn_own" } },
      { id: "2", name: "cloud", api: { url: "https://app.daytona.io/api", key: "dtn_cloud" } },
    ];
    writeFileSync(join(home, "daytona/config.json"), JSON.stringify({ activeProfile: "2", profiles }));
    state.picks = ["Use a Profile of ~/daytona/config.json…", "cloud"];
    const { deps, secrets } = fakeDeps();

    await signIn(deps, "daytona");

    expect(secrets.kept.get("account.daytona")).toBe(JSON.stringify({ apiKey: "dtn_cloud" }));
  });
});

describe("accounts of several providers", () => {
  it("are kept beside each other", async () => {
    const { deps, engine, secrets } = fakeDeps();
    for (const [id, key] of [
      ["e2b", "e2b_abc"],
      ["daytona", "dtn_abc"],
    ] as const) {
      state.picks = ["Paste an API Key…"];
      state.inputs = [key];
      await signIn(deps, id);
    }

    expect([...secrets.kept.keys()]).toEqual(["account.e2b", "account.daytona"]);
    expect(engine.asked).toEqual(["credential e2b apiKey", "credential daytona apiKey"]);
  });
});
