import type { Page } from "playwright-core";

/** Presses "Send" or "Send and Run" whenever the page asks whether a folder may be sent, until it closes. */
export async function agreeToUploads(page: Page): Promise<void> {
  const button = page.locator(".monaco-dialog-box").getByRole("button", { name: /^Send(?: and Run)?$/ });
  try {
    for (;;) await button.click({ timeout: 0 });
  } catch {
    // The page has closed.
  }
}
