import type * as vscode from "vscode";
import type { ProviderId } from "../../core/provider.ts";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { Emitter, type Event } from "../../core/event.ts";
import { type Account, ACCOUNTS, pickKey } from "../../sessions/accounts.ts";
import type { Credential } from "../../sessions/credentials.ts";

/** The user's keys, in VS Code's secret storage and nowhere else: one JSON object per provider. */
export interface KeyStore extends Disposable {
  /** Undefined when nobody has signed in there. */
  read(account: Account): Promise<Credential | undefined>;
  keep(account: Account, key: Credential): Promise<void>;
  forget(account: Account): Promise<void>;
  /** With whose key was kept or forgotten, in this window or another. */
  readonly onDidChange: Event<ProviderId>;
}

export function createKeyStore(secrets: vscode.SecretStorage): KeyStore {
  const resources = new DisposableStore();
  const changed = resources.add(new Emitter<ProviderId>());
  resources.add(
    secrets.onDidChange(({ key }) => {
      const account = ACCOUNTS.find((each) => toName(each) === key);
      if (account) changed.fire(account.providerId);
    }),
  );
  return {
    read: async (account) => parseKey(account, await secrets.get(toName(account))),
    keep: async (account, key) => await secrets.store(toName(account), JSON.stringify(key)),
    forget: async (account) => await secrets.delete(toName(account)),
    onDidChange: changed.event,
    dispose: () => resources.dispose(),
  };
}

function toName({ providerId }: Account): string {
  return `account.${providerId}`;
}

/** What is there in another form, of another version perhaps, is as good as nothing: the user signs in anew. */
function parseKey(account: Account, text: string | undefined): Credential | undefined {
  if (text === undefined) return undefined;
  try {
    return pickKey(account, Object(JSON.parse(text)));
  } catch {
    return undefined;
  }
}
