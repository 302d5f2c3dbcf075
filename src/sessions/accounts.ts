import type { ProviderId } from "../core/provider.ts";
import type { Credential } from "./credentials.ts";

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
}

/** What signing in to a provider takes. */
export interface Account {
  readonly providerId: ProviderId;
  readonly title: string;
  readonly keyParts: readonly KeyPart[];
  /** Where people make keys. */
  readonly keysUrl: string;
  /** The file with its profiles, for people: "~/.modal.toml". */
  readonly profileFile: (env: NodeJS.ProcessEnv) => string;
  /** Reads that file: only for whoever asked for it. @throws {SandboxError} `not-found` or `invalid`, without its contents */
  readonly readProfiles: (env: NodeJS.ProcessEnv) => Promise<readonly Profile[]>;
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
    keysUrl: "https://modal.com/settings/tokens",
    profileFile: (env) => env["MODAL_CONFIG_PATH"] || "~/.modal.toml",
    readProfiles: async (env) => (await import("./modal-profiles.ts")).readModalProfiles(env),
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
