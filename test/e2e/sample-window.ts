import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { inject, test as baseTest } from "vitest";
import { root } from "../../scripts/setup/paths.mjs";
import { agreeToUploads } from "../rig/agree-to-uploads.ts";
import { VIEWPORT } from "../rig/chromium.ts";
import { toEditorUrl } from "../rig/code-server.ts";
import { copySample } from "../rig/temp-folder.ts";
import { endSessions } from "./end-sessions.ts";
import { Terminal } from "./pages/terminal.ts";
import { Workbench } from "./pages/workbench.ts";

/** A window of VS Code that shows a copy of the sample of its own. */
export interface SampleWindow {
  readonly workbench: Workbench;
  readonly terminal: Terminal;
  /** Where the copy is. */
  readonly workspace: string;
}

/** As vitest's, with windows that are closed after the test, and pictured in test-results/ when it failed. */
export const test = baseTest.extend<{
  /** The sample, in the editor that all tests share. */
  sample: SampleWindow;
  /** The same, whose user has not yet agreed to send anything: the first run asks. */
  fresh: SampleWindow;
  /** Opens a further window, with a folder or with none, of this or another editor. */
  openWindow: (folder: string | undefined, authority?: string) => Promise<Workbench>;
  /** The same, without anybody who agrees to send what is in it. */
  openFresh: (folder: string | undefined, authority?: string) => Promise<Workbench>;
}>({
  openWindow: async ({ openFresh }, use) => {
    await use(async (folder, authority) => {
      const workbench = await openFresh(folder, authority);
      void agreeToUploads(workbench.page);
      return workbench;
    });
  },
  openFresh: async ({ task }, use) => {
    const browser = await chromium.connectOverCDP(inject("browserEndpoint"));
    const opened: Workbench[] = [];
    try {
      await use(async (folder, authority = inject("authority")) => {
        const workbench = await openPage(browser);
        opened.push(workbench);
        await workbench.open(toEditorUrl(authority, folder));
        return workbench;
      });
    } finally {
      if (task.result?.state !== "pass") await pictureFailure(opened, task.name);
      for (const { page } of opened) await page.close();
      // Only the connection ends: the browser belongs to all tests.
      await browser.close();
    }
  },
  sample: async ({ openWindow }, use) => {
    await useSample(openWindow, use);
  },
  fresh: async ({ openFresh }, use) => {
    await useSample(openFresh, use);
  },
});

async function useSample(
  open: (folder: string) => Promise<Workbench>,
  use: (window: SampleWindow) => Promise<void>,
): Promise<void> {
  const workspace = makeSample();
  const workbench = await open(workspace);
  await use({ workbench, terminal: new Terminal(workbench.page), workspace });
  await endSessions();
}

/** A copy of the sample that no other test has. @returns its path */
export function makeSample(): string {
  return copySample(mkdtempSync(join(inject("folder"), "w-")));
}

async function openPage(browser: Browser): Promise<Workbench> {
  const [context] = browser.contexts();
  if (!context) throw new Error("The browser has no profile.");
  const page = await context.newPage();
  await page.setViewportSize(VIEWPORT);
  return new Workbench(page);
}

async function pictureFailure(opened: readonly Workbench[], name: string): Promise<void> {
  mkdirSync(join(root, "test-results"), { recursive: true });
  const file = name.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase();
  for (const [index, { page }] of opened.entries())
    await page.screenshot({ path: join(root, `test-results/e2e-${file}-${index}.png`) });
}
