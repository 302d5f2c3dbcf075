import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext } from "playwright-core";
import { findBrowser } from "../../scripts/setup/browser.mjs";
import { findFreePort } from "./free-port.ts";

/** The size of every screenshot. */
export const VIEWPORT = { width: 1400, height: 900 };

const ARGUMENTS = [
  // Chromium's own sandbox needs user namespaces that containers and root often lack; it only ever opens our page.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--hide-scrollbars",
];

/** A browser whose windows share one cache, so that all but the first open in half the time. */
export interface SharedBrowser {
  readonly context: BrowserContext;
  /** For other processes: `chromium.connectOverCDP(endpoint)`. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Starts Chromium without a window, on a profile of its own. */
export async function startBrowser(): Promise<SharedBrowser> {
  const executablePath = findBrowser();
  if (executablePath === undefined)
    throw new Error("There is no Chromium here. Install it: sudo apt-get install chromium");
  const profile = mkdtempSync(join(tmpdir(), "sandpiper-browser-"));
  const port = await findFreePort();
  const args = [...ARGUMENTS, `--remote-debugging-port=${port}`];
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: VIEWPORT,
    args,
  });
  return {
    context,
    endpoint: `http://127.0.0.1:${port}`,
    stop: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
