import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Logger } from "../../../../src/core/logger.ts";
import { describe, expect, it } from "vitest";
import { createModalClient } from "../../../../src/providers/modal/load-sdk.ts";
import { readServerUrl } from "../../../../src/providers/server-url.ts";
import { createModalProvider } from "../../../../src/providers/modal/modal-provider.ts";
import { createSdkLogger } from "../../../../src/providers/modal/sdk-logger.ts";

const MODAL_VARIABLES = {
  MODAL_TOKEN_ID: "ak-other",
  MODAL_TOKEN_SECRET: "as-other",
  MODAL_SERVER_URL: "http://127.0.0.1:9",
  MODAL_ENVIRONMENT: "other",
  MODAL_SANDBOX_V2: "0",
  MODAL_MAX_THROTTLE_WAIT: "7",
};

describe("the package modal", () => {
  it("is Modal Labs', in the version that this is written for, and not the dialog by that name", () => {
    const entry = fileURLToPath(import.meta.resolve("modal"));
    const text = readFileSync(`${entry.slice(0, entry.lastIndexOf("/dist/"))}/package.json`, "utf8");
    const project = readFileSync("package.json", "utf8");

    expect(JSON.parse(text)).toMatchObject({
      name: "modal",
      version: "0.11.1",
      repository: { url: "git+https://github.com/modal-labs/modal-client.git" },
    });
    expect(JSON.parse(project)).toMatchObject({ dependencies: { modal: "0.11.1" } });
  });
});

describe("a client for Modal", () => {
  it("has the token it was given and nothing of the environment, which stays as it is", async () => {
    Object.assign(process.env, MODAL_VARIABLES);
    try {
      const client = await createModalClient({
        token: { tokenId: "ak-mine", tokenSecret: "as-mine" },
        environment: undefined,
        serverUrl: undefined,
        logger: createSdkLogger(() => newLogger([]), []),
      });

      expect(client.profile).toMatchObject({
        tokenId: "ak-mine",
        tokenSecret: "as-mine",
        serverUrl: "https://api.modal.com:443",
        sandboxV2: true,
        maxThrottleWaitSecs: 30,
      });
      expect(client.profile.environment).toBeUndefined();
      expect(process.env).toMatchObject(MODAL_VARIABLES);
    } finally {
      for (const name of Object.keys(MODAL_VARIABLES)) delete process.env[name];
    }
  });
});

describe("the server to use instead of Modal's", () => {
  it.each(["https://modal.example.com", "http://127.0.0.1:5000", "http://localhost:1", "http://[::1]:1"])(
    "may be %s",
    (url) => {
      expect(readServerUrl({ SERVER: url }, "SERVER")).toBe(url);
    },
  );

  it.each([
    "http://example.com",
    "http://127.0.0.1.example.com",
    "http://10.0.0.1",
    "ftp://localhost",
    "localhost",
    " ",
  ])("may not be %j, to which a token would travel in the open", (url) => {
    expect(() => readServerUrl({ SERVER: url }, "SERVER")).toThrow(expect.objectContaining({ code: "invalid" }));
  });

  it("is Modal's own without the variable", () => {
    expect(readServerUrl({}, "SERVER")).toBeUndefined();
    expect(readServerUrl({ SERVER: "" }, "SERVER")).toBeUndefined();
  });

  it("is refused before anything is sent", async () => {
    const provider = createModalProvider(
      {},
      {
        stateFolder: "/nonexistent",
        env: { SANDPIPER_MODAL_SERVER_URL: "http://example.com" },
        platform: "linux",
        readCredential: () => ({ tokenId: "ak-mine", tokenSecret: "as-mine" }),
      },
    );
    const call = { signal: AbortSignal.timeout(5000), logger: newLogger([]) };

    await expect(provider.check(call)).rejects.toMatchObject({ code: "invalid" });
  });
});

describe("what the SDK logs", () => {
  it("reaches our log without commands, values or secrets", () => {
    const lines: string[] = [];
    const logger = createSdkLogger(() => newLogger(lines), ["hush"]);

    logger.debug("Created ContainerProcess", "exec_id", "e1", "command", ["cat", "secret.txt"], "token", "hush");
    logger.warn("Server requested hush", "message", new Error("no hush"), "odd");
    logger.error("Broken", "error", { any: "thing" });

    expect(lines).toEqual([
      "debug Modal: Created ContainerProcess exec_id=e1",
      "debug Modal: Server requested … message=no …",
      "warn Modal: Broken error=…",
    ]);
  });
});

function newLogger(lines: string[]): Logger {
  const say = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}
