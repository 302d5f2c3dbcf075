import type { FrameLocator } from "playwright-core";
import { describe, expect } from "vitest";
import type { Workbench } from "./pages/workbench.ts";
import { test } from "./sample-window.ts";

const COUNT = 4;

/** What VS Code draws a web view in. */
function tableOf({ page }: Workbench): FrameLocator {
  return page.frameLocator("iframe.webview").frameLocator("iframe#active-frame");
}

async function answer(workbench: Workbench, title: RegExp, text: string): Promise<void> {
  await workbench.quickPick.filter({ hasText: title }).waitFor();
  await workbench.quickInput.fill(text);
  await workbench.page.keyboard.press("Enter");
}

describe("running on many", () => {
  // It opens its window twice, which takes most of the time.
  test(
    "shows a live table, which comes back after a reload and leads to each run",
    { timeout: 240_000 },
    async ({ sample }) => {
      const { workbench } = sample;
      const { page } = workbench;
      await workbench.openFile("agent_task.py");

      await workbench.runCommand("Sandbox: Run On Many");
      await workbench.pick("agent_task.py");
      await workbench.pick("Local (bubblewrap)");
      await answer(workbench, /How Many Sandboxes/, String(COUNT));
      await answer(workbench, /How Many at Once/, "2");

      const table = tableOf(workbench);
      await table.getByRole("heading", { name: `agent_task.py × ${COUNT}` }).waitFor();
      await table.getByText(`${COUNT} of ${COUNT} done`).waitFor({ timeout: 60_000 });
      expect(await table.locator("tbody tr").count()).toBe(COUNT);
      await workbench.showView("Sandbox");
      await workbench
        .rowsOf("Runs")
        .filter({ hasText: `agent_task.py × ${COUNT}` })
        .waitFor();
      await workbench.screenshot("run-on-many");
      expect(await page.locator(".terminal-tab, .terminal-tabs-entry").count()).toBe(0);

      await table.getByRole("button", { name: "Time" }).focus();
      await page.keyboard.press("Enter");
      await table.locator('th[aria-sort="ascending"]', { hasText: "Time" }).waitFor();
      await workbench.reload();
      await table.getByText(`${COUNT} of ${COUNT} done`).waitFor();

      await table.getByRole("button", { name: "Output #3" }).click();
      await page.locator(".tab.active", { hasText: /agent_task/ }).waitFor();
      await page.locator(".editor-instance .view-line", { hasText: "south is the warmest" }).first().waitFor();
    },
  );
});
