import type { Provider, ProviderId } from "../core/provider.ts";

/** What every provider is built from. */
export interface ProviderDeps {
  /** A folder of the provider's own for state that outlives the process; may not exist yet. */
  readonly stateFolder: string;
  /** The user's environment: sockets, contexts. Never handed on to a sandbox. */
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
}

/** Loads the provider's chunk (SDKs cost 60-380 ms) and builds it. `options` are the provider's own, see `Target.options`. */
export async function loadProvider(
  id: ProviderId,
  options: Readonly<Record<string, string>>,
  deps: ProviderDeps,
): Promise<Provider> {
  switch (id) {
    case "local": {
      const { createLocalProvider } = await import("./local/local-provider.ts");
      return createLocalProvider(options, deps);
    }
    case "docker": {
      const { createDockerProvider } = await import("./docker/docker-provider.ts");
      return createDockerProvider(options, deps);
    }
  }
}
