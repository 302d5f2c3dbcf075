import type { Provider, ProviderId } from "../core/provider.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { ProviderDeps } from "./provider-deps.ts";

/** What each understands in `Target.options`. */
const OPTIONS: Readonly<Record<ProviderId, readonly string[]>> = {
  local: ["boundary"],
  docker: ["host", "context", "runtime", "boundary"],
  modal: [
    "environment",
    "app",
    "regions",
    "cloud",
    "dockerfile",
    "secrets",
    "exitSnapshot",
    "memorySnapshot",
    // Heeded by whoever starts many sandboxes.
    "maxConcurrent",
  ],
  // `domain` and `apiUrl` decide who is sent the key: never taken from a workspace.
  e2b: ["domain", "autoPause", "maxConcurrent"],
  daytona: ["apiUrl", "region", "autoArchiveMinutes", "spot", "maxConcurrent"],
};

/**
 * Loads the provider's chunk (SDKs cost 60-380 ms) and builds it. `options` are the provider's own, see `Target.options`.
 * @throws {SandboxError} `invalid` for an option that it does not know: it may have been meant to isolate
 */
export async function loadProvider(
  id: ProviderId,
  options: Readonly<Record<string, string>>,
  deps: ProviderDeps,
): Promise<Provider> {
  checkOptions(id, options);
  switch (id) {
    case "local": {
      const { createLocalProvider } = await import("./local/local-provider.ts");
      return createLocalProvider(options, deps);
    }
    case "docker": {
      const { createDockerProvider } = await import("./docker/docker-provider.ts");
      return createDockerProvider(options, deps);
    }
    case "modal": {
      const { createModalProvider } = await import("./modal/modal-provider.ts");
      return createModalProvider(options, deps);
    }
    case "e2b": {
      const { createE2bProvider } = await import("./e2b/e2b-provider.ts");
      return createE2bProvider(options, deps);
    }
    case "daytona": {
      const { createDaytonaProvider } = await import("./daytona/daytona-provider.ts");
      return createDaytonaProvider(options, deps);
    }
  }
}

function checkOptions(id: ProviderId, options: Readonly<Record<string, string>>): void {
  const known = OPTIONS[id];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const message = `The provider "${id}" has no option "${toDisplay(unknown)}". Choose one of: ${known.join(", ")}.`;
  throw new SandboxError("invalid", message);
}
