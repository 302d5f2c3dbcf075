import type { Provider } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { ProviderDeps } from "../provider-deps.ts";

/** Sandboxes of Daytona. */
export function createDaytonaProvider(_options: Readonly<Record<string, string>>, _deps: ProviderDeps): Provider {
  throw new SandboxError("unsupported", "Daytona is not there yet.");
}
