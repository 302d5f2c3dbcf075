import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { signIn } from "../../../src/cli/account.ts";
import type { Credential } from "../../../src/sessions/credentials.ts";

const FROM_ENVIRONMENT = { tokenId: "ak-env", tokenSecret: "as-env" };
const ENVIRONMENT = { MODAL_TOKEN_ID: "ak-env", MODAL_TOKEN_SECRET: "as-env\n" };

let folder: string;
let given: (readonly [string, Credential | undefined])[];
const engine = {
  setCredential: async (providerId: string, key: Credential | undefined) => void given.push([providerId, key]),
};

beforeEach(() => {
  given = [];
  folder = mkdtempSync(join(tmpdir(), "sandpiper-account-"));
  writeFileSync(
    join(folder, ".modal.toml"),
    '[home]\ntoken_id = "ak-home"\ntoken_secret = "as-home"\n[work]\ntoken_id = "ak-work"\ntoken_secret = "as-work"\n',
  );
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("the command line", () => {
  it("hands on the account of its environment, for a provider that takes one", async () => {
    await signIn(engine, "modal", {}, ENVIRONMENT);
    await signIn(engine, "docker", {}, ENVIRONMENT);

    expect(given).toEqual([["modal", FROM_ENVIRONMENT]]);
  });

  it.each([
    ["e2b", "E2B_API_KEY", "e2b_env"],
    ["daytona", "DAYTONA_API_KEY", "dtn_env"],
  ] as const)("hands on the one key that %s takes", async (id, variable, key) => {
    await signIn(engine, id, {}, { ...ENVIRONMENT, [variable]: ` ${key}\n` });

    expect(given).toEqual([[id, { apiKey: key }]]);
  });

  it.each([
    ["nothing", {}],
    ["half an account", { MODAL_TOKEN_ID: "ak-env" }],
    ["an empty one", { MODAL_TOKEN_ID: "ak-env", MODAL_TOKEN_SECRET: " " }],
  ])("leaves the engine as it is with %s in its environment, and looks into no file", async (_, env) => {
    await signIn(engine, "modal", {}, { ...env, HOME: folder });

    expect(given).toEqual([]);
  });

  it.each([
    ["the home folder", (home: string) => ({ HOME: home })],
    ["where MODAL_CONFIG_PATH points", (home: string) => ({ MODAL_CONFIG_PATH: join(home, ".modal.toml") })],
  ])("hands on the profile that is named, from %s, whatever the environment says", async (_, toEnv) => {
    await signIn(engine, "modal", { profile: "work" }, { ...ENVIRONMENT, ...toEnv(folder) });

    expect(given).toEqual([["modal", { tokenId: "ak-work", tokenSecret: "as-work" }]]);
  });

  it("names the profiles that there are when it is not among them, and no key", async () => {
    const env = { MODAL_CONFIG_PATH: join(folder, ".modal.toml") };
    const error = await signIn(engine, "modal", { profile: "wrok" }, env).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      code: "not-found",
      message: `${env.MODAL_CONFIG_PATH} has no profile "wrok". Choose one of: home, work.`,
    });
    expect(inspect(error, { depth: 9 })).not.toMatch(/a[ks]-(home|work)/);
  });

  it("refuses a profile where there are no accounts", async () => {
    await expect(signIn(engine, "local", { profile: "work" }, {})).rejects.toThrow(
      "--profile is for providers with accounts; local has none.",
    );
  });
});
