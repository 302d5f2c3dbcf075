import { join } from "node:path";
import { describe, expect, inject } from "vitest";
import { DisposableStore } from "../../src/core/disposable-store.ts";
import { startCodeServer } from "../rig/code-server.ts";
import { stopEngine } from "../rig/stop-engine.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { END_LINE } from "./main-job.ts";
import { Terminal } from "./pages/terminal.ts";
import { makeSample, test } from "./sample-window.ts";

describe("nothing runs", () => {
  test("without a folder, and the message offers to open one", async ({ openWindow }) => {
    const workbench = await openWindow(undefined);

    await workbench.runCommand("Sandbox: Run Command");
    await workbench.notifications.filter({ hasText: "No folder is open." }).waitFor();
    await workbench.screenshot("no-folder");

    expect(await workbench.notificationButtons.allInnerTexts()).toContain("Open Folder");
  });

  test("in a workspace that is not trusted, until it is", async ({ openWindow }) => {
    const resources = new DisposableStore();
    try {
      const authority = await startWithTrust(resources);
      const workbench = await openWindow(makeSample(), authority);
      await workbench.openFile("agent_task.py");
      await workbench.runCommand("Sandbox: Run File");
      await workbench.notifications.filter({ hasText: "not trusted" }).waitFor();
      await workbench.screenshot("untrusted-workspace");
      expect(await new Terminal(workbench.page).lines()).toEqual([]);

      await workbench.notificationButtons.filter({ hasText: "Manage Workspace Trust" }).click();
      await workbench.page.getByRole("button", { name: "Trust", exact: true }).first().click();
      await workbench.closeModalEditor();
      await workbench.openFile("failing.py");
      await workbench.runCommand("Sandbox: Run File");

      expect(await new Terminal(workbench.page).waitFor(END_LINE)).toMatch(/^✗ exit 3 in/m);
    } finally {
      await resources.dispose();
    }
  });

  test("of a file that is held back, and the message names the rule", async ({ sample: { workbench } }) => {
    await workbench.openFile(".env");

    await workbench.runCommand("Sandbox: Run File");
    await workbench.notifications.filter({ hasText: ".env" }).waitFor();

    await workbench.screenshot("held-back-file");
  });
});

/** A VS Code of its own that asks for trust, as everybody's does. */
async function startWithTrust(resources: DisposableStore): Promise<string> {
  const folder = makeTempFolder();
  const state = join(folder, "state");
  resources.add({ dispose: () => removeFolder(folder) });
  resources.add({ dispose: () => stopEngine(state) });
  const server = await startCodeServer({
    folder,
    extension: { vsix: inject("vsix") },
    env: { SANDPIPER_STATE: state },
    settings: { "security.workspace.trust.enabled": true, "security.workspace.trust.startupPrompt": "never" },
  });
  resources.add({ dispose: () => server.stop() });
  return server.authority;
}
