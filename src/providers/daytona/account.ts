import type { Daytona } from "@daytona/sdk";
import { createHash } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import { readServerUrl } from "../server-url.ts";
import type { DaytonaOptions } from "./daytona-options.ts";
import { createDaytonaClient } from "./load-sdk.ts";
import { newSignedOutError, toSandboxError } from "./to-sandbox-error.ts";

const DAYTONA_API_URL = "https://app.daytona.io/api";

/** One account, with a client for it. */
export interface Account {
  readonly client: Daytona;
  /** For what the SDK has no call for. */
  readonly apiKey: string;
  /** Without a slash at its end. */
  readonly apiUrl: string;
  /** What servers may repeat and nobody may see. */
  readonly secrets: readonly string[];
}

/** Runs a call on the account that is signed in now, and translates what it throws. */
export type WithAccount = <T>(call: Call, work: (account: Account) => Promise<T>, gpu?: string) => Promise<T>;

/** Keeps one client per key, for as long as that is the one to use. */
export function createAccounts(deps: ProviderDeps, options: DaytonaOptions): WithAccount {
  let known: { readonly key: string; readonly account: Promise<Account> } | undefined;

  const open = async (apiKey: string): Promise<Account> => {
    const apiUrl = toApiUrl(deps, options);
    const client = await createDaytonaClient({ apiKey, apiUrl, region: options.region });
    return { client, apiKey, apiUrl, secrets: [apiKey] };
  };
  const findAccount = (): Promise<Account> => {
    const apiKey = readApiKey(deps);
    if (apiKey === undefined) throw newSignedOutError();
    if (known?.key === apiKey) return known.account;
    const account = open(apiKey);
    known = { key: apiKey, account };
    // A failure is told to who asked, and tried anew by the next.
    account.catch(() => {
      if (known?.account === account) known = undefined;
    });
    return account;
  };

  return async (call, work, gpu) => {
    call.signal.throwIfAborted();
    let secrets: readonly string[] = [];
    try {
      const account = await abortable(findAccount(), call.signal);
      secrets = account.secrets;
      return await work(account);
    } catch (error) {
      throw toThrown(error, call, { secrets, gpu });
    }
  };
}

/** Whose sandboxes those are, and where, without naming the account; a new key for the same one counts as another. */
export function toPlace(deps: ProviderDeps, options: DaytonaOptions): string {
  const apiKey = readApiKey(deps);
  const who = apiKey === undefined ? "nobody" : createHash("sha256").update(apiKey).digest("hex").slice(0, 12);
  return `daytona/${new URL(toApiUrl(deps, options)).host}/${options.region ?? "default"}/${who}`;
}

/** The abort reason where the call was aborted, else our error. */
export function toThrown(
  error: unknown,
  { signal }: Call,
  context: { readonly secrets: readonly string[]; readonly gpu?: string | undefined },
): SandboxError {
  // Only what the caller gave us, whatever it is.
  if (signal.aborted) throw signal.reason;
  return toSandboxError(error, context);
}

function toApiUrl(deps: ProviderDeps, { apiUrl }: DaytonaOptions): string {
  return (apiUrl ?? readServerUrl(deps.env, "DAYTONA_API_URL") ?? DAYTONA_API_URL).replace(/\/+$/, "");
}

function readApiKey({ readCredential }: ProviderDeps): string | undefined {
  return readCredential?.()?.["apiKey"] || undefined;
}
