import type { Disposable } from "../../core/disposable-store.ts";
import type { Logger } from "../../core/logger.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import { ACCOUNTS, findAccount } from "../../sessions/accounts.ts";
import type { Engine } from "../../sessions/engine.ts";
import type { EngineLink } from "../engine-link.ts";
import type { KeyStore } from "./key-store.ts";

/** Gives the engine every key that is kept. Takes none away: another door may have signed in. */
export async function handOnKeys(keys: KeyStore, engine: Pick<Engine, "setCredential">): Promise<void> {
  for (const account of ACCOUNTS) {
    const key = await keys.read(account);
    if (key) await engine.setCredential(account.providerId, key);
  }
}

/** Keeps the engine's keys those that are kept, while there is a connection: other windows sign in and out as well. */
export function followKeys(keys: KeyStore, link: EngineLink, logger: Logger): Disposable {
  return keys.onDidChange((providerId) => {
    const account = findAccount(providerId);
    if (!account || link.state !== "connected") return;
    const tell = async (): Promise<void> => {
      const key = await keys.read(account);
      await (await link.get()).setCredential(providerId, key);
    };
    tell().catch((error: unknown) => logger.warn(`The account of ${account.title}: ${toMessage(error)}`));
  });
}
