import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { DisposableStore } from "../../src/core/disposable-store.ts";
import { killEngine } from "../rig/stop-engine.ts";
import { type CloudEditor, signInToE2b, startCloudEditor } from "./cloud-window.ts";
import { END_LINE } from "./main-job.ts";
import { SandboxBar } from "./pages/sandbox-bar.ts";
import { Terminal } from "./pages/terminal.ts";
import { makeSample, test } from "./sample-window.ts";

const resources = new DisposableStore();
let editor: CloudEditor;

beforeAll(async () => {
  editor = await startCloudEditor(resources, { "sandpiper.e2b.autoPause": true });
});
afterAll(() => resources.dispose());

/** The only sandbox that there ever was. */
async function readSandbox() {
  const [sandbox, ...others] = await editor.e2b.readSandboxes();
  if (!sandbox || others.length > 0) throw new Error(`E2B has made ${others.length + (sandbox ? 1 : 0)} sandboxes.`);
  return sandbox;
}

describe("E2B", () => {
  test("pauses a session over night, and the next run goes on in it", async ({ openWindow }) => {
    const workspace = makeSample();
    const workbench = await openWindow(workspace, editor.authority);
    const bar = new SandboxBar(workbench);
    const terminal = new Terminal(workbench.page);

    await signInToE2b(workbench);
    await workbench.notificationButtons.filter({ hasText: "Select Provider" }).click();
    await workbench.pick(/^E2B/);
    await workbench.statusBar.filter({ hasText: "E2B" }).waitFor();
    await workbench.runCommand("Sandbox: Choose Image");
    await workbench.quickPickRows.filter({ hasText: "code-interpreter-v1" }).waitFor();
    await workbench.screenshot("image-picker");
    await workbench.pick("code-interpreter-v1");
    await workbench.openFile("agent_task.py");
    await workbench.runCommand("Sandbox: Run File");
    const first = await terminal.waitFor(END_LINE);
    await bar.show();
    await bar.sessions.filter({ hasText: "E2B" }).waitFor();
    await workbench.screenshot("e2b-run");
    expect(first).toMatch(/^✓ exit 0 in/m);
    const before = await readSandbox();

    await workbench.runCommand("Sandbox: Pause Session");
    await workbench.pick("E2B");
    await bar.sessions.filter({ hasText: "paused" }).waitFor();
    expect((await readSandbox()).state).toBe("paused");
    killEngine(editor.state);
    appendFileSync(join(workspace, "notes.md"), "- The next day.\n");
    await workbench.reload();
    await bar.show();
    await bar.sessions.filter({ hasText: "paused" }).waitFor();
    await workbench.screenshot("e2b-paused");

    await workbench.showView("Explorer");
    await workbench.openFile("agent_task.py");
    await workbench.runCommand("Sandbox: Run File");
    const second = await terminal.waitFor(END_LINE);
    await workbench.codeLenses.filter({ hasText: "changed" }).first().waitFor();
    await workbench.screenshot("e2b-next-day");

    // All but that line was there.
    expect(second).toMatch(/^✓ exit 0 in .* · sent 1 file, \d+ B · /m);
    expect(await readSandbox()).toMatchObject({ id: before.id, state: "running", pauses: 1 });
  }, 240_000);

  test("finds a sandbox that has paused by itself when nobody was there", async ({ openWindow }) => {
    const workspace = makeSample();
    const workbench = await openWindow(workspace, editor.authority);
    const bar = new SandboxBar(workbench);
    const terminal = new Terminal(workbench.page);
    await signInToE2b(workbench);
    await workbench.runCommand("Sandbox: Select Provider");
    await workbench.pick(/^E2B/);
    await workbench.openFile("agent_task.py");
    await workbench.runCommand("Sandbox: Run File");
    await terminal.waitFor(END_LINE);
    await workbench.codeLenses.filter({ hasText: "changed" }).first().waitFor();
    const sandbox = (await editor.e2b.readSandboxes()).at(-1);

    killEngine(editor.state);
    await editor.e2b.expire(sandbox?.id ?? "");
    await workbench.reload();
    await bar.show();

    await bar.sessions.filter({ hasText: "paused" }).waitFor();
  }, 240_000);
});
