import type { ApiClient, E2B } from "@e2b/code-interpreter";
import type { E2bServers } from "./e2b-options.ts";

/** How many more times the SDK itself asks where the server says for how long to wait (429 with `Retry-After`). */
const SDK_RETRIES = 3;

/** The SDK with an account's key and its servers bound to it. */
export interface E2bClient {
  /** Makes and finds sandboxes. */
  readonly Sandbox: E2B["Sandbox"];
  /** Calls for which the SDK has no method, by the paths of https://e2b.dev/docs/api-reference. */
  readonly api: ApiClient["api"];
}

/**
 * Loads the SDK (at the first call) and makes a client. It is told everything, so that it takes no key and no address from
 * variables. Bundled it finds no `undici` of its own, and uses Node's without HTTP/2: one dead connection is one failed call.
 */
export async function createE2bClient(apiKey: string, servers: E2bServers): Promise<E2bClient> {
  const { ApiClient, ConnectionConfig, E2B } = await import("./sdk.ts");
  const connection = { ...servers, apiKey, debug: false, retries: SDK_RETRIES };
  return {
    Sandbox: new E2B(connection).Sandbox,
    api: new ApiClient(new ConnectionConfig(connection)).api,
  };
}
