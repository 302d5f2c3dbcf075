import type { App, Image, ModalClient } from "modal";
import type { Call } from "../../core/call.ts";
import { type Logger, silentLogger } from "../../core/logger.ts";
import type { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import { readServerUrl } from "../server-url.ts";
import { type ModalToken, createModalClient } from "./load-sdk.ts";
import { createSdkLogger } from "./sdk-logger.ts";
import type { Setup } from "./setup-script.ts";
import { newSignedOutError, toSandboxError } from "./to-sandbox-error.ts";

/** One account, with a client that keeps its connection. */
export interface Account {
  readonly client: ModalClient;
  /** What its servers may repeat and nobody may see. */
  readonly secrets: readonly string[];
  /** What is known of its apps and built images, by what they were asked for; see `prepare.ts`. */
  readonly apps: Map<string, App>;
  readonly images: Map<string, Image>;
  /** Images that sandboxes were set up from, by id. */
  readonly usable: Map<string, Setup>;
}

/** Runs a call on the account that is signed in now, and translates what it throws. */
export type WithAccount = <T>(call: Call, work: (account: Account) => Promise<T>, gpu?: string) => Promise<T>;

/**
 * Keeps one client per token, for as long as that is the one to use.
 * @param environment of Modal; the account's default when left out
 */
export function createAccounts(deps: ProviderDeps, environment: string | undefined): WithAccount {
  let known: { readonly key: string; readonly account: Promise<Account> } | undefined;
  let logger: Logger = silentLogger;

  const open = async (token: ModalToken): Promise<Account> => {
    const secrets = [token.tokenSecret, token.tokenId];
    const sdkLogger = createSdkLogger(() => logger, secrets);
    const serverUrl = readServerUrl(deps.env, "SANDPIPER_MODAL_SERVER_URL");
    const client = await createModalClient({ token, environment, serverUrl, logger: sdkLogger });
    return { client, secrets, apps: new Map(), images: new Map(), usable: new Map() };
  };
  const findAccount = (): Promise<Account> => {
    const token = readToken(deps);
    const key = JSON.stringify([token.tokenId, token.tokenSecret]);
    if (known?.key === key) return known.account;
    void known?.account.then(({ client }) => client.close()).catch(() => {});
    const account = open(token);
    known = { key, account };
    // A failure is told to who asked, and tried anew by the next.
    account.catch(() => {
      if (known?.account === account) known = undefined;
    });
    return account;
  };

  return async (call, work, gpu) => {
    call.signal.throwIfAborted();
    logger = call.logger;
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

function readToken({ readCredential }: ProviderDeps): ModalToken {
  const { tokenId, tokenSecret } = readCredential?.() ?? {};
  if (!tokenId || !tokenSecret) throw newSignedOutError();
  return { tokenId, tokenSecret };
}
