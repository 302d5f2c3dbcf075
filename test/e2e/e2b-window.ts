import { join } from "node:path";
import { inject } from "vitest";
import type { DisposableStore } from "../../src/core/disposable-store.ts";
import { EMULATOR_KEY } from "../emulators/e2b/e2b-emulator.ts";
import { startCodeServer } from "../rig/code-server.ts";
import { type E2bServer, startE2bServer } from "../rig/e2b-server.ts";
import { stopEngine } from "../rig/stop-engine.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import type { Workbench } from "./pages/workbench.ts";

/** VS Code with the packaged extension, whose E2B is an emulator of its own: settings and keys are nobody else's. */
export interface E2bEditor {
  readonly authority: string;
  readonly state: string;
  readonly e2b: E2bServer;
}

/** @param resources is given what has to be ended */
export async function startE2bEditor(resources: DisposableStore): Promise<E2bEditor> {
  const folder = makeTempFolder();
  resources.add({ dispose: () => removeFolder(folder) });
  const e2b = await startE2bServer();
  resources.add({ dispose: () => e2b.stop() });
  const state = join(folder, "state");
  resources.add({ dispose: () => stopEngine(state) });
  const server = await startCodeServer({
    folder,
    extension: { vsix: inject("vsix") },
    env: { SANDPIPER_STATE: state, E2B_API_URL: e2b.url, E2B_SANDBOX_URL: e2b.url },
    settings: { "sandpiper.e2b.autoPause": true },
  });
  resources.add({ dispose: () => server.stop() });
  return { authority: server.authority, state, e2b };
}

/** Signs in by the key that the emulator takes, as its user would. */
export async function signInToE2b(workbench: Workbench): Promise<void> {
  await workbench.runCommand("Sandbox: Sign In");
  await workbench.pick(/^E2B/);
  await workbench.pick("Paste an API Key");
  await workbench.quickPick.filter({ hasText: "E2B_API_KEY" }).waitFor();
  await workbench.quickInput.fill(EMULATOR_KEY);
  await workbench.page.keyboard.press("Enter");
  await workbench.notifications.filter({ hasText: "Signed in to E2B" }).waitFor();
}
