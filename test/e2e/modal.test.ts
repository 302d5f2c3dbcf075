import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FrameLocator } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { DisposableStore } from "../../src/core/disposable-store.ts";
import { killEngine } from "../rig/stop-engine.ts";
import { type CloudEditor, signInToModal, startCloudEditor } from "./cloud-window.ts";
import { END_LINE } from "./main-job.ts";

import { SandboxBar } from "./pages/sandbox-bar.ts";
import { Terminal } from "./pages/terminal.ts";
import type { Workbench } from "./pages/workbench.ts";
import { makeSample, test } from "./sample-window.ts";

/** What nobody wants to send twice: 2 MiB. */
const READINGS = Array.from({ length: 2 ** 18 }, (_, index) => `${(index * 7919) % 9_999_991}`.padStart(7)).join("\n");

const resources = new DisposableStore();
let editor: CloudEditor;

beforeAll(async () => {
  editor = await startCloudEditor(resources);
});
afterAll(() => resources.dispose());

/** The sandbox that Modal made last. */
async function readLastSandbox() {
  const sandbox = (await editor.modal.readSandboxes()).at(-1);
  if (!sandbox) throw new Error("Modal has made no sandbox.");
  return sandbox;
}

describe("Modal", () => {
  test("keeps a session over night, and gives it back on another GPU by what has changed alone", async ({
    openWindow,
  }) => {
    const workspace = makeSample();
    writeFileSync(join(workspace, "data/readings.csv"), READINGS);
    const workbench = await openWindow(workspace, editor.authority);
    const bar = new SandboxBar(workbench);
    const terminal = new Terminal(workbench.page);

    await signInToModal(workbench);
    const welcome = workbench.page.getByRole("dialog", { name: /Signed in to Modal/ });
    await welcome.getByRole("button", { name: "Select Provider" }).click();
    await workbench.pick(/^Modal/);
    await workbench.statusBar.filter({ hasText: "Modal" }).waitFor();
    await selectGpu(workbench);
    await workbench.openFile("agent_task.py");
    await workbench.runCommand("Sandbox: Run File");
    const first = await terminal.waitFor(END_LINE);
    await bar.show();
    await bar.snapshots.filter({ hasText: "on Modal" }).first().waitFor();
    await workbench.screenshot("modal-run");
    expect(first).toMatch(/^✓ exit 0 in/m);
    const before = await readLastSandbox();
    expect(before.gpu).toBe("H100:1");

    await workbench.runCommand("Sandbox: Destroy Session");
    await workbench.pick("Modal");
    await workbench.dialog.getByRole("button", { name: "Destroy" }).click();
    const ended = bar.sessions.filter({ hasText: "restorable" });
    await ended.waitFor();
    expect((await readLastSandbox()).isAlive).toBe(false);

    killEngine(editor.state);
    appendFileSync(join(workspace, "notes.md"), "- The next day.\n");
    await workbench.reload();
    await bar.show();
    await bar.press(ended, "Restore Session");
    await workbench.pick("Another GPU");
    await workbench.pick("NVIDIA L4");
    await workbench.pick("1 × NVIDIA L4");
    await workbench.pick("Nothing Else");
    await workbench.notificationButtons.filter({ hasText: "Run on L4 from Now On" }).click();
    const after = await readLastSandbox();
    expect(after).toMatchObject({ gpu: "L4:1", isAlive: true });
    expect(before.stdinBytes).toBeGreaterThan(READINGS.length);
    expect(after.stdinBytes).toBeLessThan(READINGS.length / 10);

    await workbench.showView("Explorer");
    await workbench.openFile("agent_task.py");
    await workbench.runCommand("Sandbox: Run File");
    const second = await terminal.waitFor(END_LINE);
    await workbench.codeLenses.filter({ hasText: "file changed" }).first().waitFor();
    await workbench.screenshot("modal-next-day");
    expect(second).toMatch(/^✓ exit 0 in .* · sent 1 file, \d+ B · /m);
    const last = await readLastSandbox();
    expect([last.id, last.isAlive]).toEqual([after.id, true]);
    expect(last.stdinBytes).toBeLessThan(READINGS.length / 10);
  }, 240_000);

  test("runs one command in twelve sandboxes, and a table shows how each of them does", async ({ openFresh }) => {
    const workbench = await openFresh(makeSample(), editor.authority);
    await signInToModal(workbench);
    await workbench.runCommand("Notifications: Clear All Notifications");
    await workbench.openFile("agent_task.py");

    await workbench.runCommand("Sandbox: Run On Many");
    await workbench.pick("A Command");
    await answer(workbench, "Run", 'sleep $((SANDPIPER_INDEX / 4)); test "$SANDPIPER_INDEX" != 5 && date >when.txt');
    await workbench.pick(/^Modal/);
    await workbench.pick("No GPU");
    await answer(workbench, "How Many Sandboxes?", "12");
    await answer(workbench, "How Many at Once?", "8");
    await workbench.dialog.getByText("12 sandboxes").waitFor();
    await workbench.screenshot("run-on-many-question");
    await workbench.dialog.getByRole("button", { name: "Send and Run" }).click();
    const table = findWebview(workbench);
    await table.locator("#rows tr", { hasText: "exit 1" }).waitFor();
    await workbench.screenshot("run-on-many");

    await table.locator("#summary", { hasText: "12 of 12 done, 1 failed" }).waitFor();
    expect(await table.locator("#rows tr").count()).toBe(12);
    const made = (await editor.modal.readSandboxes()).slice(-12);
    expect(made.filter(({ isAlive }) => isAlive)).toEqual([]);
  }, 180_000);
});

async function answer(workbench: Workbench, question: string, text: string): Promise<void> {
  await workbench.quickPick.filter({ hasText: question }).waitFor();
  await workbench.quickInput.fill(text);
  await workbench.page.keyboard.press("Enter");
}

function findWebview({ page }: Workbench): FrameLocator {
  return page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
}

async function selectGpu(workbench: Workbench): Promise<void> {
  await workbench.runCommand("Sandbox: Select GPU");
  await workbench.quickPickRows.filter({ hasText: "NVIDIA H100" }).first().waitFor();
  await workbench.screenshot("gpu-picker");
  await workbench.pick("NVIDIA H100");
  await workbench.pick("1 × NVIDIA H100");
  await workbench.pick("Nothing Else");
}
