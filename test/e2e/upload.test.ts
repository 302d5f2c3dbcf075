import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject } from "vitest";
import { endSessions } from "./end-sessions.ts";
import { END_LINE } from "./main-job.ts";
import { Terminal } from "./pages/terminal.ts";
import { test } from "./sample-window.ts";

/** Long enough for its last lines to be seen below a pick. */
const DEPLOY = `"""Uploads what an agent has built."""

import json
import os
import urllib.request

API = "https://api.github.com"
REPOSITORY = os.environ.get("REPOSITORY", "me/sensors")
TOKEN = "TOKEN-HERE"


def headers():
    return {"Authorization": f"Bearer {TOKEN}"}


print(len(TOKEN), "characters")
`;

/** Has the form of a credential, and was never one. */
const TOKEN = ["ghp", "k3V9sQ1xR7tZ2wB8nM4cL6yD0fH5jG1aP9uE"].join("_");

describe("before anything leaves the machine", () => {
  test("the user is asked, and asked once", async ({ fresh: { workbench, terminal } }) => {
    await workbench.openFile("failing.py");
    await workbench.runCommand("Sandbox: Run File");
    await workbench.dialog.getByText("Held back as secrets: .env").waitFor();
    expect(await workbench.dialog.innerText()).toMatch(/Sent: \d+ files, \d+\.\d KiB/);

    await workbench.dialog.getByRole("button", { name: "Cancel" }).click();
    expect(await terminal.lines()).toEqual([]);

    await workbench.runCommand("Sandbox: Run File");
    await workbench.dialog.getByRole("button", { name: "Send and Run" }).click();
    await terminal.waitFor(/^✗ exit 3/m);
    await workbench.runCommand("Sandbox: Re-run Last");
    await terminal.waitFor(/^✗ exit 3[^]*^✗ exit 3/m);
    expect(await workbench.dialog.count()).toBe(0);
  });

  test("the preview lists what would be sent, by size, and leaves out what the user excludes", async ({ fresh }) => {
    const { workbench, terminal, workspace } = fresh;
    mkdirSync(join(workspace, "recordings"));
    writeFileSync(join(workspace, "recordings/may.wav"), Buffer.alloc(3_200_000, 7));
    writeFileSync(join(workspace, "deploy.py"), `import os\n\nTOKEN = "${TOKEN}"\n`);
    // Rows that come late move those below them.
    await workbench.treeRows.filter({ hasText: "deploy.py" }).waitFor();
    await workbench.openFile("agent_task.py");
    await workbench.runCommand("Sandbox: Run File");
    await workbench.dialog.getByRole("button", { name: "Preview…" }).click();
    const rows = workbench.rowsOf("Upload");
    await rows.filter({ hasText: "recordings" }).waitFor();
    for (const other of ["Snapshots", "Sessions", "Runs"]) await workbench.viewHeader(other).click();
    await rows.filter({ hasText: /^data/ }).click();
    await rows.filter({ hasText: "measurements.csv" }).waitFor();
    await workbench.screenshot("preview");
    await workbench.page.getByText(/^\d+ files, 3\.1 MiB for Local/).waitFor();

    await rows.filter({ hasText: "recordings" }).hover();
    await rows.filter({ hasText: "recordings" }).getByRole("button", { name: "Exclude" }).click();
    await rows.filter({ hasText: "deploy.py:3" }).hover();
    await rows.filter({ hasText: "deploy.py:3" }).getByRole("button", { name: "Exclude" }).click();
    await rows.filter({ hasText: "Looks like credentials" }).waitFor({ state: "detached" });
    expect(readFileSync(join(workspace, ".sandboxignore"), "utf8")).toBe("/recordings/\n/deploy.py\n");

    await workbench.viewHeader("Upload").hover();
    await workbench.viewHeader("Upload").getByRole("button", { name: "Send and Run" }).click();
    expect(await terminal.waitFor(END_LINE)).toMatch(/^✓ exit 0 in/m);
    await workbench.viewHeader("Upload").waitFor({ state: "detached" });
  });

  test("a credential holds the run back until the user has decided", async ({ sample }) => {
    const { workbench, terminal, workspace } = sample;
    writeFileSync(join(workspace, "deploy.py"), DEPLOY.replace("TOKEN-HERE", TOKEN));
    await workbench.treeRows.filter({ hasText: "deploy.py" }).waitFor();
    await workbench.openFile("deploy.py");
    await workbench.runCommand("Sandbox: Run File");
    await workbench.quickPickRows.filter({ hasText: "deploy.py:9" }).click();
    await workbench.statusBar.filter({ hasText: "Ln 9, Col 1" }).waitFor();
    await workbench.screenshot("secrets");
    expect(await workbench.quickPick.innerText()).not.toContain(TOKEN);

    await workbench.pick("Allow Once");
    expect(await terminal.waitFor(/^✓ .+$/m)).toContain("40 characters");

    // What the sandbox has is not sent again, and not asked about.
    writeFileSync(join(workspace, "deploy.py"), `# Edited.\n${DEPLOY.replace("TOKEN-HERE", TOKEN)}`);
    await workbench.runCommand("Sandbox: Re-run Last");
    await workbench.pick("Exclude This File");
    await workbench.notifications.filter({ hasText: "deploy.py is excluded now" }).waitFor();
    expect(readFileSync(join(workspace, ".sandboxignore"), "utf8")).toBe("/deploy.py\n");
  });

  test("the user can ask of any file why it is sent or not", async ({ sample: { workbench, workspace } }) => {
    await workbench.openFile(".env");
    await workbench.runCommand("Sandbox: Why Is This File (Not) Sent?");
    await workbench.notifications.filter({ hasText: ".env is not sent" }).waitFor();
    await workbench.screenshot("why-not-sent");

    await workbench.notificationButtons.filter({ hasText: "Send It Anyway" }).click();
    await workbench.notifications.filter({ hasText: "Added !/.env to .sandboxignore." }).waitFor();
    expect(readFileSync(join(workspace, ".sandboxignore"), "utf8")).toBe("!/.env\n");
  });

  test("of two folders in one window, each is asked about, previewed and sent on its own", async ({ openFresh }) => {
    const { workspaceFile, folders } = makeTwoFolders();
    const workbench = await openFresh(workspaceFile);
    const terminal = new Terminal(workbench.page);
    await workbench.openFile("second.py");
    await workbench.runCommand("Sandbox: Run File");
    await workbench.dialog.getByText("Send second to Local").waitFor();
    await workbench.dialog.getByRole("button", { name: "Send and Run" }).click();
    expect(await terminal.waitFor(END_LINE)).toContain("['second.py']");

    await workbench.openFile("first.py");
    await workbench.runCommand("Sandbox: Preview Upload");
    const rows = workbench.rowsOf("Upload");
    await rows.filter({ hasText: "first.py" }).waitFor();
    expect(await rows.filter({ hasText: "second.py" }).count()).toBe(0);

    await workbench.runCommand("Sandbox: Why Is This File (Not) Sent?");
    await workbench.notificationButtons.filter({ hasText: "Exclude" }).click();
    await rows.filter({ hasText: "first.py" }).waitFor({ state: "detached" });
    expect(folders.map((folder) => existsSync(join(folder, ".sandboxignore")))).toEqual([true, false]);
    await endSessions();
  });
});

/** A window's file with two folders, and a script in each that lists what was sent with it. */
function makeTwoFolders(): { readonly workspaceFile: string; readonly folders: readonly string[] } {
  const parent = mkdtempSync(join(inject("folder"), "m-"));
  const folders = ["first", "second"].map((name) => {
    mkdirSync(join(parent, name));
    writeFileSync(join(parent, name, `${name}.py`), "import os\nprint(sorted(os.listdir()))\n");
    return join(parent, name);
  });
  const workspaceFile = join(parent, "both.code-workspace");
  writeFileSync(workspaceFile, JSON.stringify({ folders: folders.map((path) => ({ path })) }));
  return { workspaceFile, folders };
}
