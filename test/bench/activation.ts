import { join } from "node:path";
import type { Page } from "playwright-core";
import { Workbench } from "../e2e/pages/workbench.ts";
import { startBrowser } from "../rig/chromium.ts";
import { startCodeServer, toEditorUrl } from "../rig/code-server.ts";
import { stopEngine } from "../rig/stop-engine.ts";
import { copySample, makeTempFolder, removeFolder } from "../rig/temp-folder.ts";

/**
 * Milliseconds that the installed extension takes to be loaded and activated, as VS Code itself reports them under
 * "Running Extensions"; one window each.
 */
export async function measureActivation(vsix: string, rounds: number): Promise<readonly number[]> {
  const folder = makeTempFolder();
  const state = join(folder, "state");
  const server = await startCodeServer({ folder, extension: { vsix }, env: { SANDPIPER_STATE: state } });
  const browser = await startBrowser();
  try {
    const url = toEditorUrl(server.authority, copySample(folder));
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) times.push(await measureWindow(await browser.context.newPage(), url));
    return times;
  } finally {
    await browser.stop();
    await server.stop();
    await stopEngine(state);
    removeFolder(folder);
  }
}

async function measureWindow(page: Page, url: string): Promise<number> {
  const workbench = new Workbench(page);
  await workbench.open(url);
  await workbench.openFile("agent_task.py");
  await workbench.codeLenses.filter({ hasText: "Run in Sandbox" }).first().waitFor();
  await workbench.runCommand("Developer: Show Running Extensions");
  const row = page.locator(".runtime-extensions-editor .extension", { hasText: "Sandpiper" }).first();
  // The list is sorted by time and drawn only where it is looked at.
  await page.locator(".runtime-extensions-editor .monaco-list").hover();
  while (!(await row.isVisible())) {
    await page.mouse.wheel(0, 300);
    await page.waitForTimeout(50);
  }
  const time = /(\d+)ms/.exec(await row.locator(".activation-time").innerText())?.[1];
  await page.close();
  if (time === undefined) throw new Error("VS Code tells no activation time.");
  return Number(time);
}
