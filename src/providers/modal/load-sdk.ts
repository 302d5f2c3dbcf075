import type * as ModalSdk from "modal";

/** A key of an account. */
export interface ModalToken {
  readonly tokenId: string;
  readonly tokenSecret: string;
}

/** Where the SDK finds no profile, so that ~/.modal.toml is read only by who asks for it. */
const NO_PROFILE = "/nonexistent/modal.toml";
/** Modal can ask clients to wait; longer than this and the user hears of it. */
const MAX_THROTTLE_WAIT_S = 30;

/** What the SDK's client is made of. */
export interface ClientOptions {
  readonly token: ModalToken;
  readonly environment: string | undefined;
  readonly serverUrl: string | undefined;
  readonly logger: ModalSdk.Logger;
}

let loading: Promise<typeof ModalSdk> | undefined;

/** Loads the SDK (at the first call) and makes a client, which connects at its first call. */
export async function createModalClient(options: ClientOptions): Promise<ModalSdk.ModalClient> {
  const { token, environment, serverUrl, logger } = options;
  const sdk = await loadSdk();
  return withoutSettings(serverUrl, () => {
    return new sdk.ModalClient({
      tokenId: token.tokenId,
      tokenSecret: token.tokenSecret,
      ...(environment === undefined ? {} : { environment }),
      maxThrottleWaitSecs: MAX_THROTTLE_WAIT_S,
      logger,
      logLevel: "debug",
    });
  });
}

function loadSdk(): Promise<typeof ModalSdk> {
  if (loading) return loading;
  // It reads its profile when it is loaded, which is over when `import` has settled.
  const restore = hideSettings(undefined);
  loading = import("modal").finally(restore);
  return loading;
}

function withoutSettings<T>(serverUrl: string | undefined, work: () => T): T {
  const restore = hideSettings(serverUrl);
  try {
    return work();
  } finally {
    restore();
  }
}

/**
 * The SDK takes settings, tokens among them, from variables and from a profile, both when it is loaded and when a client
 * is made. Returns how to bring the variables back.
 */
function hideSettings(serverUrl: string | undefined): () => void {
  const hidden = Object.entries(process.env).filter(([name]) => name.startsWith("MODAL_"));
  for (const [name] of hidden) delete process.env[name];
  process.env["MODAL_CONFIG_PATH"] = NO_PROFILE;
  if (serverUrl !== undefined) process.env["MODAL_SERVER_URL"] = serverUrl;
  return () => {
    for (const name of ["MODAL_CONFIG_PATH", "MODAL_SERVER_URL"]) delete process.env[name];
    Object.assign(process.env, Object.fromEntries(hidden));
  };
}
