import type { Daytona } from "@daytona/sdk";
import type * as SdkModule from "./sdk.ts";

/** What the SDK's client is made of. */
export interface ClientOptions {
  readonly apiKey: string;
  readonly apiUrl: string;
  readonly region: string | undefined;
}

/**
 * By these the SDK takes itself to run in a cloud function (`isServerlessRuntime` in @daytona/sdk@0.216.0), where it sends
 * files without looking whether they arrived. Tools for such functions set them on people's own machines.
 */
const CLOUD_FUNCTION_VARIABLES = [
  "CF_PAGES",
  "AWS_EXECUTION_ENV",
  "LAMBDA_TASK_ROOT",
  "AWS_SAM_LOCAL",
  "FUNCTIONS_WORKER_RUNTIME",
  "FUNCTION_TARGET",
  "FUNCTION_SIGNATURE_TYPE",
  "VERCEL",
  "SITE_NAME",
];
/** No call that is awaited takes longer; the SDK's own limit is a day. */
const REQUEST_TIMEOUT_MS = 20 * 60 * 1000;

type Sdk = typeof SdkModule;

let loading: Promise<Sdk> | undefined;

/** Loads the SDK (at the first call) and makes a client, which connects at its first call. */
export async function createDaytonaClient({ apiKey, apiUrl, region }: ClientOptions): Promise<Daytona> {
  const sdk = await loadSdk();
  const restore = hideVariables(Object.keys(process.env).filter((name) => name.startsWith("DAYTONA_")));
  // It also looks into files of the folder that we happen to run in, unless the variable is there.
  process.env["DAYTONA_OTEL_ENABLED"] = "false";
  process.env["DAYTONA_EXPERIMENTAL_OTEL_ENABLED"] = "false";
  try {
    return new sdk.Daytona({
      apiKey,
      apiUrl,
      ...(region === undefined ? {} : { target: region }),
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      otelEnabled: false,
      // A socket of its own per client, which carries the key and tells of all sandboxes of the account, saves nothing:
      // a state is waited for a few times in a sandbox's life.
      useDeprecatedPolling: true,
    });
  } finally {
    delete process.env["DAYTONA_OTEL_ENABLED"];
    delete process.env["DAYTONA_EXPERIMENTAL_OTEL_ENABLED"];
    restore();
  }
}

function loadSdk(): Promise<Sdk> {
  if (loading) return loading;
  // It looks where it runs when it is loaded, which is over when `import` has settled.
  const restore = hideVariables(CLOUD_FUNCTION_VARIABLES);
  loading = import("./sdk.ts").finally(restore);
  return loading;
}

/** Takes variables out of the environment; returns how to bring them back. */
function hideVariables(names: readonly string[]): () => void {
  const hidden = Object.entries(process.env).filter(([name]) => names.includes(name));
  for (const [name] of hidden) delete process.env[name];
  return () => {
    Object.assign(process.env, Object.fromEntries(hidden));
  };
}
