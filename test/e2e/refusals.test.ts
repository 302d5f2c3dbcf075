import { join } from "node:path";
import { describe, expect, inject } from "vitest";
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
    const folder = makeTempFolder();
    const state = join(folder, "state");
    const server = await startCodeServer({
      folder,
      extension: { vsix: inject("vsix") },
      env: { SANDPIPER_STATE: state },
      settings: { "security.workspace.trust.enabled": true, "security.workspace.trust.startupPrompt": "never" },
    });
    try {
      const workbench = await openWindow(makeSample(), server.authority);
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
      await server.stop();
      await stopEngine(state);
      removeFolder(folder);
    }
  });

  test("of a file that is held back, and the message names the rule", async ({ sample: { workbench } }) => {
    await workbench.openFile(".env");

    await workbench.runCommand("Sandbox: Run File");
    await workbench.notifications.filter({ hasText: ".env" }).waitFor();

    await workbench.screenshot("held-back-file");
  });
});
