import type { Provider } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { ProviderDeps } from "../provider-deps.ts";

/** Sandboxes of E2B. */
export function createE2bProvider(_options: Readonly<Record<string, string>>, _deps: ProviderDeps): Provider {
  throw new SandboxError("unsupported", "E2B is not there yet.");
}
