import type { ProviderId } from "../core/provider.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import { type Account, findAccount, readEnvKey } from "../sessions/accounts.ts";
import type { Credential } from "../sessions/credentials.ts";
import type { Engine } from "../sessions/engine.ts";
import { UsageError } from "./usage-error.ts";

/** The option that says whose account is used, for node:util's parseArgs. */
export const ACCOUNT_OPTIONS = { profile: { type: "string" } } as const;

/** What was said of {@link ACCOUNT_OPTIONS}. */
export interface AccountValues {
  readonly profile?: string | undefined;
}

/**
 * Gives the engine the account to use there: the profile that was named, or else the one in the environment. Without
 * either it keeps the one that another door gave it, if any; the provider says how to sign in when there is none.
 * @throws {UsageError} for a profile where there are no accounts @throws {SandboxError} when it cannot be read
 */
export async function signIn(
  engine: Pick<Engine, "setCredential">,
  providerId: ProviderId,
  { profile }: AccountValues,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const account = findAccount(providerId);
  if (!account && profile !== undefined)
    throw new UsageError(`--profile is for providers with accounts; ${providerId} has none.`);
  if (!account) return;
  const key = profile === undefined ? readEnvKey(account, env) : await readProfile(account, profile, env);
  if (key) await engine.setCredential(providerId, key);
}

async function readProfile(account: Account, name: string, env: NodeJS.ProcessEnv): Promise<Credential> {
  if (!account.profiles)
    throw new UsageError(`${account.title} keeps no profiles. Set ${account.keyParts[0]?.variable} instead.`);
  const profiles = await account.profiles.read(env);
  const found = profiles.find((profile) => profile.name === name);
  if (found) return found.credential;
  const names = profiles.map((profile) => toDisplay(profile.name)).join(", ");
  const message = `${toDisplay(account.profiles.path(env))} has no profile "${toDisplay(name)}". Choose one of: ${names}.`;
  throw new SandboxError("not-found", message);
}
