import type { ProviderId } from "../core/provider.ts";
import type { Credential } from "./credentials.ts";
import { homeOf, toDaytonaConfigPath } from "./profiles/profile-paths.ts";

/** One part of an account's key. */
export interface KeyPart {
  /** In a {@link Credential}. */
  readonly name: string;
  /** The provider's own environment variable for it. */
  readonly variable: string;
  /** How it begins when it is what it should be. */
  readonly prefix: string;
}

/** A key under a name, in a file that the provider's own tools keep. */
export interface Profile {
  readonly name: string;
  /** The one that those tools use. */
  readonly isActive: boolean;
  readonly credential: Credential;
  /** The address that the key is for, where the file says so. */
  readonly server?: string;
}

/** The file in which a provider's own tools keep keys. */
interface ProfileFile {
  /** For people: "~/.modal.toml". */
  readonly path: (env: NodeJS.ProcessEnv) => string;
  /** Reads it: only for whoever asked for it. @throws {SandboxError} `not-found` or `invalid`, without its contents */
  readonly read: (env: NodeJS.ProcessEnv) => Promise<readonly Profile[]>;
}

/** What signing in to a provider takes. */
export interface Account {
  readonly providerId: ProviderId;
  readonly title: string;
  readonly keyParts: readonly KeyPart[];
  /** What the provider calls its keys. */
  readonly keyWord: "token" | "API key";
  /** Where people make keys. */
  readonly keysUrl: string;
  /** Left out where the provider's own tools keep no key. */
  readonly profiles?: ProfileFile;
}

/** Providers that need an account. */
export const ACCOUNTS: readonly Account[] = [
  {
    providerId: "modal",
    title: "Modal",
    keyParts: [
      { name: "tokenId", variable: "MODAL_TOKEN_ID", prefix: "ak-" },
      { name: "tokenSecret", variable: "MODAL_TOKEN_SECRET", prefix: "as-" },
    ],
    keyWord: "token",
    keysUrl: "https://modal.com/settings/tokens",
    profiles: {
      path: (env) => env["MODAL_CONFIG_PATH"] || "~/.modal.toml",
      read: async (env) => (await import("./profiles/modal-profiles.ts")).readModalProfiles(env),
    },
  },
  {
    providerId: "e2b",
    title: "E2B",
    keyParts: [{ name: "apiKey", variable: "E2B_API_KEY", prefix: "e2b_" }],
    keyWord: "API key",
    keysUrl: "https://e2b.dev/dashboard?tab=keys",
    profiles: {
      path: () => "~/.e2b/config.json",
      read: async (env) => (await import("./profiles/e2b-profiles.ts")).readE2bProfiles(env),
    },
  },
  {
    providerId: "daytona",
    title: "Daytona",
    keyParts: [{ name: "apiKey", variable: "DAYTONA_API_KEY", prefix: "dtn_" }],
    keyWord: "API key",
    keysUrl: "https://app.daytona.io/dashboard/keys",
    profiles: {
      path: (env) => toDaytonaConfigPath(env).replace(`${homeOf(env)}/`, "~/"),
      read: async (env) => (await import("./profiles/daytona-profiles.ts")).readDaytonaProfiles(env),
    },
  },
];

/** What signing in there takes; undefined where nobody has to. */
export function findAccount(providerId: ProviderId): Account | undefined {
  return ACCOUNTS.find((account) => account.providerId === providerId);
}

/** The key in the environment; undefined unless it is whole. */
export function readEnvKey({ keyParts }: Account, env: NodeJS.ProcessEnv): Credential | undefined {
  return toKey(keyParts.map(({ name, variable }) => [name, env[variable]?.trim()]));
}

/** The key that a record holds, without whatever else it holds; undefined unless it is whole. */
export function pickKey({ keyParts }: Account, record: object): Credential | undefined {
  return toKey(keyParts.map(({ name }) => [name, Reflect.get(record, name)]));
}

function toKey(parts: readonly (readonly [string, unknown])[]): Credential | undefined {
  const texts = parts.filter((part): part is [string, string] => typeof part[1] === "string" && part[1] !== "");
  return texts.length === parts.length ? Object.fromEntries(texts) : undefined;
}
