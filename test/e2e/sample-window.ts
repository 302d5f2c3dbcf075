import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { chromium, type BrowserContext } from "playwright-core";
import { inject, test as baseTest } from "vitest";
import { root } from "../../scripts/setup/paths.mjs";
import { VIEWPORT } from "../rig/chromium.ts";
import { toEditorUrl } from "../rig/code-server.ts";
import { copySample } from "../rig/temp-folder.ts";
import { Terminal } from "./pages/terminal.ts";
import { Workbench } from "./pages/workbench.ts";

/** A window of VS Code that shows a copy of the sample of its own. */
export interface SampleWindow {
  readonly workbench: Workbench;
  readonly terminal: Terminal;
  /** Where the copy is. */
  readonly workspace: string;
}

/** Opens windows in the tests' one browser. */
export async function withContext<T>(use: (context: BrowserContext) => Promise<T>): Promise<T> {
  const browser = await chromium.connectOverCDP(inject("browserEndpoint"));
  try {
    const [context] = browser.contexts();
    if (!context) throw new Error("The browser has no profile.");
    return await use(context);
  } finally {
    // Only the connection ends.
    await browser.close();
  }
}

/** As vitest's, with `sample`: a window that is closed after the test, and pictured in test-results/ when it failed. */
export const test = baseTest.extend<{ sample: SampleWindow }>({
  sample: async ({ task }, use) => {
    await withContext(async (context) => {
      const workspace = copySample(mkdtempSync(join(inject("folder"), "w-")));
      const page = await context.newPage();
      await page.setViewportSize(VIEWPORT);
      const workbench = new Workbench(page);
      try {
        await workbench.open(toEditorUrl(inject("authority"), workspace));
        await use({ workbench, terminal: new Terminal(page), workspace });
      } finally {
        if (task.result?.state !== "pass") await pictureFailure(workbench, task.name);
        await page.close();
      }
    });
  },
});

async function pictureFailure(workbench: Workbench, name: string): Promise<void> {
  mkdirSync(join(root, "test-results"), { recursive: true });
  const file = name.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase();
  await workbench.page.screenshot({ path: join(root, `test-results/e2e-${file}.png`) });
}
