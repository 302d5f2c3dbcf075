// An engine's process over the fake provider, for tests that need a real one to connect to and to kill.
// SANDPIPER_TEST_VERSION says which version it is; SANDPIPER_TEST_HOLD names a step that never goes on, and at which the
// file "held" appears in the state folder.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostEngine } from "../../src/host/host-engine.ts";
import { createCredentials } from "../../src/sessions/credentials.ts";
import { createEngine } from "../../src/sessions/create-engine.ts";
import { createScanner } from "../../src/snapshots/scan/scanner.ts";
import { createSecretScanner } from "../../src/snapshots/secrets/secret-scanner.ts";
import { FakeProvider } from "./fake-provider.ts";

await hostEngine(process.env["SANDPIPER_TEST_VERSION"] ?? "1.0.0", async ({ state, logger, isShared, resources }) => {
  const provider = new FakeProvider(join(state.root, "fake-sandboxes"));
  provider.onStep = async (step) => {
    if (step !== process.env["SANDPIPER_TEST_HOLD"]) return;
    writeFileSync(join(state.root, "held"), step);
    await new Promise(() => undefined);
  };
  const scanner = resources.add(createScanner(new URL("../../src/snapshots/scan/scan-worker.ts", import.meta.url)));
  const secrets = resources.add(
    createSecretScanner(new URL("../../src/snapshots/secrets/secret-worker.ts", import.meta.url)),
  );
  const own = { credentials: createCredentials(), loadProvider: async () => provider };
  return await createEngine({ state, logger, isShared, scanner, secrets, ...own });
});
