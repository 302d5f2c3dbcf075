import type { Call } from "../../core/call.ts";
import type { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import { type E2bOptions, type E2bServers, readServers } from "./e2b-options.ts";
import { type E2bClient, createE2bClient } from "./load-sdk.ts";
import { newSignedOutError, toSandboxError } from "./to-sandbox-error.ts";

/** One account. */
export interface Account {
  readonly client: E2bClient;
  readonly servers: E2bServers;
  /** What its servers may repeat and nobody may see. */
  readonly secrets: readonly string[];
}

/** Runs a call on the account that is signed in now, and translates what it throws. */
export type WithAccount = <T>(call: Call, work: (account: Account) => Promise<T>) => Promise<T>;

/** Keeps one client per key, for as long as that is the one to use. */
export function createAccounts(deps: ProviderDeps, options: E2bOptions): WithAccount {
  let known: { readonly apiKey: string; readonly account: Promise<Account> } | undefined;

  const open = async (apiKey: string): Promise<Account> => {
    const servers = readServers(options, deps.env);
    return { client: await createE2bClient(apiKey, servers), servers, secrets: [apiKey] };
  };
  const findAccount = (apiKey: string): Promise<Account> => {
    if (known?.apiKey === apiKey) return known.account;
    const account = open(apiKey);
    known = { apiKey, account };
    // A failure is told to who asked, and tried anew by the next.
    account.catch(() => {
      if (known?.account === account) known = undefined;
    });
    return account;
  };

  return async (call, work) => {
    call.signal.throwIfAborted();
    const apiKey = deps.readCredential?.()?.["apiKey"];
    if (!apiKey) throw newSignedOutError();
    try {
      return await work(await abortable(findAccount(apiKey), call.signal));
    } catch (error) {
      throw toThrown(error, call, [apiKey]);
    }
  };
}

/** The abort reason where the call was aborted, else our error. */
export function toThrown(error: unknown, { signal }: Call, secrets: readonly string[]): SandboxError {
  // Only what the caller gave us, whatever it is.
  if (signal.aborted) throw signal.reason;
  return toSandboxError(error, secrets);
}
