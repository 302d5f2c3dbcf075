import type { Provider } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { ProviderDeps } from "../provider-deps.ts";

/** Modal Sandboxes (https://modal.com/docs/guide/sandbox). */
export function createModalProvider(_options: Readonly<Record<string, string>>, _deps: ProviderDeps): Provider {
  throw new SandboxError("unsupported", "The provider Modal is not built yet.");
}
