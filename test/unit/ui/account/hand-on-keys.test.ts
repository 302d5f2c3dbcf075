import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { Credential } from "../../../../src/sessions/credentials.ts";
import { followKeys, handOnKeys } from "../../../../src/ui/account/hand-on-keys.ts";
import { createKeyStore } from "../../../../src/ui/account/key-store.ts";
import { fakeSecretStorage } from "../command-deps.ts";
import { FakeEngine, linkTo, settle } from "../fake-engine.ts";

const KEY = { tokenId: "ak-1", tokenSecret: "as-2" };

function setUp(stored?: string) {
  const secrets = fakeSecretStorage();
  if (stored !== undefined) secrets.kept.set("account.modal", stored);
  const given: (readonly [string, Credential | undefined])[] = [];
  const engine = new FakeEngine();
  engine.setCredential = async (providerId, key) => void given.push([providerId, key]);
  return { secrets, keys: createKeyStore(secrets), engine, given };
}

describe("an engine that is reached", () => {
  it("is given the key that is kept", async () => {
    const { keys, engine, given } = setUp(JSON.stringify({ ...KEY, more: "than that" }));

    await handOnKeys(keys, engine);

    expect(given).toEqual([["modal", KEY]]);
  });

  it.each([undefined, "", "{", "null", '{"tokenId":"ak-1"}', '{"tokenId":"ak-1","tokenSecret":7}'])(
    "keeps the key that another door gave it when there is none here: %s",
    async (stored) => {
      const { keys, engine, given } = setUp(stored);

      await handOnKeys(keys, engine);

      expect(given).toEqual([]);
    },
  );
});

describe("a key that another window keeps or forgets", () => {
  it("is the engine's as well while there is a connection, and starts none", async () => {
    const { secrets, keys, engine, given } = setUp();
    const link = linkTo(engine);
    const followed = followKeys(keys, link, silentLogger);
    await secrets.store("account.modal", JSON.stringify(KEY));
    await settle();
    expect(link.state).toBe("idle");

    await link.get();
    await secrets.store("another", "secret");
    await secrets.store("account.modal", JSON.stringify(KEY));
    await settle();
    await secrets.delete("account.modal");
    await settle();
    await followed.dispose();

    expect(given).toEqual([
      ["modal", KEY],
      ["modal", undefined],
    ]);
  });
});
