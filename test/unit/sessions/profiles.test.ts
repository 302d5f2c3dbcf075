import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findAccount, type Profile } from "../../../src/sessions/accounts.ts";
import { toDaytonaConfigPath } from "../../../src/sessions/profiles/profile-paths.ts";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sandpiper-profiles-"));
});

afterEach(() => rmSync(home, { recursive: true }));

function put(path: string, content: unknown): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), typeof content === "string" ? content : JSON.stringify(content));
}

async function read(providerId: "e2b" | "daytona", env: NodeJS.ProcessEnv = {}): Promise<readonly Profile[]> {
  return (await findAccount(providerId)?.profiles?.read({ HOME: home, ...env })) ?? [];
}

/** As `e2b auth login` writes it, but for the two fields that its versions differ in. */
const E2B_LOGIN = {
  identity: { email: "me@example.com" },
  oauth: {
    token_endpoint: "https://auth.example/token",
    revoke_endpoint: "https://auth.example/revoke",
    client_id: "x",
  },
  tokens: { access_token: "planted-access", refresh_token: "planted-refresh" },
};

const DAYTONA_CONFIG = {
  activeProfile: "2",
  profiles: [
    { id: "1", name: "home", api: { url: "https://daytona.example/api", key: "dtn_home", token: null } },
    { id: "2", name: "work", api: { url: "https://app.daytona.io/api", key: "dtn_work", token: null } },
    { id: "3", name: "browser", api: { url: "https://app.daytona.io/api", key: null, token: { accessToken: "jwt" } } },
  ],
};

describe("the file of E2B's command line", () => {
  it.each([
    ["version 2", { version: 2, projectName: "lab", projectId: "p", projectApiKey: "e2b_lab" }],
    ["version 1", { version: 1, teamName: "lab", teamId: "t", teamApiKey: "e2b_lab" }],
  ])("gives the key of the project that it is signed in to, in %s", async (_, fields) => {
    put(".e2b/config.json", { ...E2B_LOGIN, ...fields });

    expect(await read("e2b")).toEqual([{ name: "lab", isActive: true, credential: { apiKey: "e2b_lab" } }]);
  });

  it.each([
    ["is missing", undefined, "cannot be read"],
    ["holds no key", { ...E2B_LOGIN, version: 2 }, "Make one with: e2b auth login"],
    ["is broken", '{"projectApiKey": "e2b_planted"', "is not the JSON file"],
    ["is another program's", "[]", "holds a key"],
  ])("is not quoted when it %s", async (_, content, message) => {
    if (content !== undefined) put(".e2b/config.json", content);

    const error = await read("e2b").catch((thrown: unknown) => thrown);

    expect(String(error)).toContain(message);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("planted");
  });
});

describe("the file of Daytona's command line", () => {
  it("gives the profiles with an API key, with the server that each is for", async () => {
    put("daytona/config.json", DAYTONA_CONFIG);

    expect(await read("daytona", { DAYTONA_CONFIG_DIR: join(home, "daytona") })).toEqual([
      { name: "home", isActive: false, credential: { apiKey: "dtn_home" }, server: "https://daytona.example/api" },
      { name: "work", isActive: true, credential: { apiKey: "dtn_work" }, server: "https://app.daytona.io/api" },
    ]);
  });

  it("says how to make one where there is only a browser's login", async () => {
    put("d/config.json", { ...DAYTONA_CONFIG, profiles: DAYTONA_CONFIG.profiles.slice(2) });

    await expect(read("daytona", { DAYTONA_CONFIG_DIR: join(home, "d") })).rejects.toThrow(
      /holds a key\. Make one with: daytona login --api-key/,
    );
  });

  it.each([
    ["linux", {}, "/h/.config/daytona/config.json"],
    ["linux", { XDG_CONFIG_HOME: "/x" }, "/x/daytona/config.json"],
    ["darwin", {}, "/h/Library/Application Support/daytona/config.json"],
    ["darwin", { DAYTONA_CONFIG_DIR: "/d" }, "/d/config.json"],
    ["win32", { APPDATA: "/a" }, "/a/daytona/config.json"],
  ] as const)("is looked for where that keeps it on %s with %j", (platform, env, path) => {
    expect(toDaytonaConfigPath({ HOME: "/h", ...env }, platform)).toBe(path);
  });

  it("is named for people by its place in their home", () => {
    expect(findAccount("daytona")?.profiles?.path({ HOME: "/h", DAYTONA_CONFIG_DIR: "/h/d" })).toBe("~/d/config.json");
  });
});
