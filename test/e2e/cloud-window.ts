import { join } from "node:path";
import { inject } from "vitest";
import type { DisposableStore } from "../../src/core/disposable-store.ts";
import { EMULATOR_KEY } from "../emulators/e2b/e2b-emulator.ts";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import { startCodeServer } from "../rig/code-server.ts";
import { type E2bServer, startE2bServer } from "../rig/e2b-server.ts";
import { type ModalServer, startModalServer } from "../rig/modal-server.ts";
import { stopEngine } from "../rig/stop-engine.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import type { Workbench } from "./pages/workbench.ts";

/** VS Code with the packaged extension, whose clouds are emulators of its own: settings and keys are nobody else's. */
export interface CloudEditor {
  readonly authority: string;
  readonly state: string;
  readonly modal: ModalServer;
  readonly e2b: E2bServer;
}

/** @param resources is given what has to be ended */
export async function startCloudEditor(
  resources: DisposableStore,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<CloudEditor> {
  const folder = makeTempFolder();
  resources.add({ dispose: () => removeFolder(folder) });
  const modal = await startModalServer();
  resources.add({ dispose: () => modal.stop() });
  const e2b = await startE2bServer();
  resources.add({ dispose: () => e2b.stop() });
  const state = join(folder, "state");
  resources.add({ dispose: () => stopEngine(state) });
  const server = await startCodeServer({
    folder,
    extension: { vsix: inject("vsix") },
    env: {
      SANDPIPER_STATE: state,
      SANDPIPER_MODAL_SERVER_URL: modal.url,
      E2B_API_URL: e2b.url,
      E2B_SANDBOX_URL: e2b.url,
    },
    settings,
  });
  resources.add({ dispose: () => server.stop() });
  return { authority: server.authority, state, modal, e2b };
}

/** Signs in by the key that the emulator takes, as its user would. */
export async function signInToModal(workbench: Workbench): Promise<void> {
  await workbench.runCommand("Sandbox: Sign In");
  await workbench.pick(/^Modal/);
  await workbench.pick("Paste a Token");
  await typeSecret(workbench, "MODAL_TOKEN_ID", EMULATOR_TOKEN.tokenId);
  await typeSecret(workbench, "MODAL_TOKEN_SECRET", EMULATOR_TOKEN.tokenSecret);
  await workbench.notifications.filter({ hasText: "Signed in to Modal" }).waitFor();
}

/** The same at E2B. */
export async function signInToE2b(workbench: Workbench): Promise<void> {
  await workbench.runCommand("Sandbox: Sign In");
  await workbench.pick(/^E2B/);
  await workbench.pick("Paste an API Key");
  await typeSecret(workbench, "E2B_API_KEY", EMULATOR_KEY);
  await workbench.notifications.filter({ hasText: "Signed in to E2B" }).waitFor();
}

async function typeSecret(workbench: Workbench, prompt: string, text: string): Promise<void> {
  await workbench.quickPick.filter({ hasText: prompt }).waitFor();
  await workbench.quickInput.fill(text);
  if (prompt.endsWith("SECRET")) await workbench.screenshot("sign-in");
  await workbench.page.keyboard.press("Enter");
}
