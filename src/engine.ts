// The engine's own process: started on demand by the editor or the command line, shared by both, ended when idle.
import { join } from "node:path";
import { readOwnVersion } from "./cli/own-version.ts";
import { toMessage } from "./core/sandbox-error.ts";
import { hostEngine } from "./host/host-engine.ts";
import { loadProvider } from "./providers/registry.ts";
import { createCredentials } from "./sessions/credentials.ts";
import { createEngine } from "./sessions/create-engine.ts";
import { createScanner } from "./snapshots/scan/scanner.ts";
import { createSecretScanner } from "./snapshots/secrets/secret-scanner.ts";

// Beside this file when bundled.
const SCAN_WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "./snapshots/scan/scan-worker.ts" : "./scan-worker.js",
  import.meta.url,
);
const SECRET_WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "./snapshots/secrets/secret-worker.ts" : "./secret-worker.js",
  import.meta.url,
);

try {
  await hostEngine(readOwnVersion(import.meta.url), async ({ state, logger, isShared, resources }) => {
    const credentials = createCredentials();
    const scanner = resources.add(createScanner(SCAN_WORKER));
    return await createEngine({
      state,
      logger,
      isShared,
      scanner,
      credentials,
      secrets: resources.add(createSecretScanner(SECRET_WORKER)),
      loadProvider: ({ providerId, options }) =>
        loadProvider(providerId, options, {
          stateFolder: join(state.providers, providerId),
          env: process.env,
          platform: process.platform,
          readCredential: () => credentials.read(providerId),
        }),
    });
  });
} catch (error) {
  process.stderr.write(`${toMessage(error)}\n`);
  process.exit(1);
}
