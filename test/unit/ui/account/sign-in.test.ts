import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import type { Logger } from "../../../../src/core/logger.ts";
import type { Credential } from "../../../../src/sessions/credentials.ts";
import { signIn, signOut } from "../../../../src/ui/commands/sign-in.ts";
import { registerCommand } from "../../../../src/ui/register-command.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { FakeEngine, fakeSession, settle, TARGET } from "../fake-engine.ts";

const KEY = { tokenId: "ak-planted1", tokenSecret: "as-planted2" };
const STORED = JSON.stringify(KEY);
const FROM_ENVIRONMENT = "Use MODAL_TOKEN_ID and MODAL_TOKEN_SECRET";

/** An engine that notes the keys that it is given, and takes only {@link KEY}. */
class GuardedEngine extends FakeEngine {
  readonly given: (Credential | undefined)[] = [];
  override async setCredential(_providerId: string, key: Credential | undefined): Promise<void> {
    this.given.push(key);
  }
  override async checkTarget(): Promise<void> {
    if (this.given.at(-1)?.["tokenSecret"] !== KEY.tokenSecret)
      throw new SandboxError("auth", "Modal does not accept the token.");
  }
}

let folder: string;
let written: string[];
let logger: Logger;

beforeEach(() => {
  resetFake({ ...SETTINGS });
  folder = mkdtempSync(join(tmpdir(), "sandpiper-keys-"));
  for (const name of ["MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"]) vi.stubEnv(name, undefined);
  vi.stubEnv("MODAL_CONFIG_PATH", join(folder, "modal.toml"));
  written = [];
  const log = (message: string): void => void written.push(message);
  logger = { debug: log, info: log, warn: log, error: log };
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function setUp() {
  const engine = new GuardedEngine();
  const { deps, secrets, store } = fakeDeps(engine);
  return { engine, secrets, store, deps: { ...deps, logger } };
}

function paste(...texts: string[]): void {
  state.picks = ["Paste a Token…"];
  state.inputs = texts;
}

function putProfiles(text: string): void {
  writeFileSync(join(folder, "modal.toml"), text);
}

describe("signing in", () => {
  it("tries what was pasted at once, and keeps it in the secret storage when it works", async () => {
    const { deps, engine, secrets } = setUp();
    paste(KEY.tokenId, ` ${KEY.tokenSecret}\n`);

    await signIn(deps, "modal");

    expect(engine.given).toEqual([KEY]);
    expect([...secrets.kept]).toEqual([["account.modal", STORED]]);
    expect(state.messages).toMatchObject([{ level: "information", message: "Signed in to Modal." }]);
  });

  it("hides what is typed, and doubts what has another form without refusing it", async () => {
    const { deps, engine } = setUp();
    paste("modal-token", KEY.tokenSecret);

    await signIn(deps, "modal");

    expect(engine.given).toEqual([{ ...KEY, tokenId: "modal-token" }]);
    expect(state.inputBoxes).toMatchObject([
      { password: true, doubt: { message: "MODAL_TOKEN_ID usually begins with ak-", severity: 2 } },
      { password: true, doubt: undefined },
    ]);
  });

  it("takes the whole command that the token's page shows", async () => {
    const { deps, engine } = setUp();
    paste(`modal token set --token-id ${KEY.tokenId} --token-secret=${KEY.tokenSecret} --profile=me`);

    await signIn(deps, "modal");

    expect(engine.given).toEqual([KEY]);
  });

  it("opens the page where tokens are made, and takes one that is made there", async () => {
    const { deps, engine } = setUp();
    paste(KEY.tokenId, KEY.tokenSecret);
    state.picks = ["Create a Token…"];

    await signIn(deps, "modal");

    expect(state.opened).toEqual(["https://modal.com/settings/tokens"]);
    expect(engine.given).toEqual([KEY]);
  });

  it("says that a key is wrong, does not keep it, and gives the engine the earlier one back", async () => {
    const { deps, engine, secrets } = setUp();
    secrets.kept.set("account.modal", STORED);
    paste("ak-wrong", "as-wrong");

    await expect(signIn(deps, "modal")).rejects.toMatchObject({
      code: "auth",
      message: "Modal does not accept this token. It was not kept.",
      remedies: [{ title: "Try Again", command: "sandpiper.signIn", args: ["modal"] }],
    });

    expect(engine.given).toEqual([{ tokenId: "ak-wrong", tokenSecret: "as-wrong" }, KEY]);
    expect(secrets.kept.get("account.modal")).toBe(STORED);
  });

  it("keeps nothing that could not be tried, and says why", async () => {
    const { deps, engine, secrets } = setUp();
    engine.checkTarget = async () => {
      throw new SandboxError("unavailable", "Modal cannot be reached.");
    };
    paste(KEY.tokenId, KEY.tokenSecret);

    await expect(signIn(deps, "modal")).rejects.toThrow("Modal cannot be reached.");

    expect(engine.given).toEqual([KEY, undefined]);
    expect(secrets.kept.size).toBe(0);
  });

  it.each([
    ["no way", [], []],
    ["no token", ["Paste a Token…"], []],
    ["half a token", ["Paste a Token…"], ["ak-1"]],
  ])("does nothing for who chooses %s", async (_, picks, inputs) => {
    const { deps, engine, secrets } = setUp();
    state.picks = [...picks];
    state.inputs = [...inputs];

    await signIn(deps, "modal");

    expect(engine.given).toEqual([]);
    expect(secrets.kept.size).toBe(0);
    expect(state.messages).toEqual([]);
  });

  it.each([
    ["local", ["Select Provider"], ["sandpiper.selectProvider"]],
    ["modal", [], []],
  ])("is said, and leads on from the provider %s", async (provider, buttons, executed) => {
    state.settings["sandpiper.provider"] = provider;
    paste(KEY.tokenId, KEY.tokenSecret);
    state.answers = [...buttons];

    await signIn(setUp().deps, "modal");
    await settle();

    expect(state.messages).toMatchObject([{ message: "Signed in to Modal.", buttons }]);
    expect(state.executed.map(({ command }) => command)).toEqual(executed);
  });
});

describe("signing in with another key while sandboxes are alive", () => {
  const OTHER = JSON.stringify({ tokenId: "ak-old", tokenSecret: "as-old" });

  it.each([
    { name: "ends them first when asked to", answer: "End Them First", asked: ["destroy s-1"], given: [KEY] },
    { name: "leaves them alone when told to", answer: "Same Account: Leave Them", asked: [], given: [KEY] },
    { name: "does nothing when the user thinks better of it", answer: undefined, asked: [], given: [] },
    { name: "asks nothing when it is the same key", stored: STORED, answer: undefined, asked: [], given: [KEY] },
  ])("$name", async ({ stored = OTHER, answer, asked, given }) => {
    const { deps, engine, secrets, store } = setUp();
    secrets.kept.set("account.modal", stored);
    engine.sessions = [fakeSession({ target: { ...TARGET, providerId: "modal" } })];
    await store.load();
    paste(KEY.tokenId, KEY.tokenSecret);
    state.answers = [answer];

    await signIn(deps, "modal");

    expect(engine.asked).toEqual(asked);
    expect(engine.given).toEqual(given);
  });
});

describe("a key that is there already", () => {
  it("is offered from the environment where it is whole, and taken only by who picks it", async () => {
    const { deps, engine } = setUp();
    vi.stubEnv("MODAL_TOKEN_ID", KEY.tokenId);
    await signIn(deps, "modal");
    expect(state.asked.at(-1)?.labels).not.toContain(FROM_ENVIRONMENT);

    vi.stubEnv("MODAL_TOKEN_SECRET", KEY.tokenSecret);
    await signIn(deps, "modal");
    expect(state.asked.at(-1)?.labels).toContain(FROM_ENVIRONMENT);
    expect(engine.given).toEqual([]);

    state.picks = [FROM_ENVIRONMENT];
    await signIn(deps, "modal");
    expect(engine.given).toEqual([KEY]);
  });

  it("is taken from the profile that is picked, by its name", async () => {
    const { deps, engine } = setUp();
    putProfiles(`
      [old]
      token_id = "ak-old"
      token_secret = "as-old"
      [work]
      token_id = "${KEY.tokenId}"
      token_secret = "${KEY.tokenSecret}"
      active = true
      [settings]
      loglevel = "DEBUG"
    `);
    state.picks = [`Use a Profile of ${join(folder, "modal.toml")}…`, "work"];

    await signIn(deps, "modal");

    expect(state.asked.at(-1)?.labels).toEqual(["old", "work"]);
    expect(engine.given).toEqual([KEY]);
  });

  it.each([
    ["is missing", undefined, "cannot be read"],
    ["has no token", "[empty]\nworkspace = 'x'", "holds a key"],
    ["is broken", `[work]\ntoken_secret = ${KEY.tokenSecret}\n`, "is not the TOML file"],
  ])("is not quoted when the file with the profiles %s", async (_, text, message) => {
    const { deps } = setUp();
    if (text !== undefined) putProfiles(text);
    state.picks = [`Use a Profile of ${join(folder, "modal.toml")}…`];

    const error = await signIn(deps, "modal").catch((thrown: unknown) => thrown);

    expect(String(error)).toContain(message);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(KEY.tokenSecret);
  });
});

describe("signing out", () => {
  it("forgets the key here and in the engine", async () => {
    const { deps, engine, secrets } = setUp();
    secrets.kept.set("account.modal", STORED);

    await signOut(deps);

    expect(secrets.kept.size).toBe(0);
    expect(engine.given).toEqual([undefined]);
    expect(state.messages).toMatchObject([{ message: "Signed out of Modal." }]);
  });

  it.each([
    ["ends them first when asked to", "End Them and Sign Out", ["destroy s-1"], 0],
    ["leaves them to their lifetime when asked to", "Sign Out", [], 0],
    ["does nothing when the user thinks better of it", undefined, [], 1],
  ])("with sandboxes alive %s", async (_, answer, asked, kept) => {
    const { deps, engine, secrets, store } = setUp();
    secrets.kept.set("account.modal", STORED);
    engine.sessions = [
      fakeSession({ target: { ...TARGET, providerId: "modal" } }),
      fakeSession({ id: "s-2", target: TARGET }),
    ];
    await store.load();
    state.answers = [answer];

    await signOut(deps);

    expect(state.messages[0]?.message).toBe("Sandboxes alive on Modal: 1");
    expect(engine.asked).toEqual(asked);
    expect(secrets.kept.size).toBe(kept);
  });

  it("says so when nobody has signed in", async () => {
    await signOut(setUp().deps);

    expect(state.messages).toMatchObject([{ message: "You are signed in to no provider." }]);
  });
});

describe("a key", () => {
  it("is in the secret storage and in the engine's memory, and nowhere else", async () => {
    const { deps, engine, secrets } = setUp();
    registerCommand("in", logger, () => signIn(deps, "modal"));
    registerCommand("out", logger, () => signOut(deps));
    const keys = [KEY.tokenId, KEY.tokenSecret, "as-mistyped"];

    paste(KEY.tokenId, "as-mistyped");
    await state.commands.get("in")?.();
    paste(KEY.tokenId, KEY.tokenSecret);
    await state.commands.get("in")?.();
    await settle();
    const everything = () =>
      inspect(
        [state, written, engine.asked, engine.requests, deps.memento.keys(), deps.globalMemento.keys(), process.argv],
        { depth: 9, maxArrayLength: null },
      );
    state.inputBoxes.length = 0;

    expect(written).toContain("Signed in to Modal");
    expect(state.messages.map(({ level }) => level)).toEqual(["error", "information"]);
    for (const key of keys) expect(everything()).not.toContain(key);
    expect([...secrets.kept.values()]).toEqual([STORED]);

    await state.commands.get("out")?.();
    expect(secrets.kept.size).toBe(0);
    for (const key of keys) expect(everything()).not.toContain(key);
  });
});
