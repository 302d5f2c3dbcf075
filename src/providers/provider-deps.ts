/** What every provider is built from. */
export interface ProviderDeps {
  /** A folder of the provider's own for state that outlives the process; may not exist yet. */
  readonly stateFolder: string;
  /** The user's environment: sockets, contexts. Never handed on to a sandbox. */
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
  /**
   * The account to use now, by the provider's own names (for Modal `tokenId` and `tokenSecret`); undefined when nobody has
   * signed in. Read before each use: it may change.
   */
  readonly readCredential?: () => Readonly<Record<string, string>> | undefined;
}
