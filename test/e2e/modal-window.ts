import { join } from "node:path";
import { inject } from "vitest";
import type { DisposableStore } from "../../src/core/disposable-store.ts";
import { startCodeServer } from "../rig/code-server.ts";
import { type ModalServer, startModalServer } from "../rig/modal-server.ts";
import { stopEngine } from "../rig/stop-engine.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import type { Workbench } from "./pages/workbench.ts";

/** VS Code with the packaged extension, whose Modal is an emulator of its own: settings and keys are nobody else's. */
export interface ModalEditor {
  readonly authority: string;
  readonly state: string;
  readonly modal: ModalServer;
}

/** @param resources is given what has to be ended */
export async function startModalEditor(resources: DisposableStore): Promise<ModalEditor> {
  const folder = makeTempFolder();
  resources.add({ dispose: () => removeFolder(folder) });
  const modal = await startModalServer();
  resources.add({ dispose: () => modal.stop() });
  const state = join(folder, "state");
  resources.add({ dispose: () => stopEngine(state) });
  const server = await startCodeServer({
    folder,
    extension: { vsix: inject("vsix") },
    env: { SANDPIPER_STATE: state, SANDPIPER_MODAL_SERVER_URL: modal.url },
  });
  resources.add({ dispose: () => server.stop() });
  return { authority: server.authority, state, modal };
}

/** Signs in by the key that the emulator takes, as its user would. */
export async function signIn(workbench: Workbench): Promise<void> {
  await workbench.runCommand("Sandbox: Sign In");
  await workbench.pick(/^Modal/);
  await workbench.pick("Paste a Token");
  await typeSecret(workbench, "MODAL_TOKEN_ID", EMULATOR_TOKEN.tokenId);
  await typeSecret(workbench, "MODAL_TOKEN_SECRET", EMULATOR_TOKEN.tokenSecret);
  await workbench.notifications.filter({ hasText: "Signed in to Modal" }).waitFor();
}

async function typeSecret(workbench: Workbench, prompt: string, text: string): Promise<void> {
  await workbench.quickPick.filter({ hasText: prompt }).waitFor();
  await workbench.quickInput.fill(text);
  if (prompt.endsWith("SECRET")) await workbench.screenshot("sign-in");
  await workbench.page.keyboard.press("Enter");
}
