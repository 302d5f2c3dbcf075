import type { ProviderId } from "../core/provider.ts";

/** An account's keys by the provider's own names (for Modal `tokenId` and `tokenSecret`). */
export type Credential = Readonly<Record<string, string>>;

/** Accounts that the engine's clients have signed in to. In memory alone: they are theirs to keep. */
export interface Credentials {
  read(providerId: ProviderId): Credential | undefined;
  set(providerId: ProviderId, credential: Credential | undefined): void;
}

export function createCredentials(): Credentials {
  const known = new Map<ProviderId, Credential>();
  return {
    read: (providerId) => known.get(providerId),
    set: (providerId, credential) => {
      if (credential) known.set(providerId, credential);
      else known.delete(providerId);
    },
  };
}
