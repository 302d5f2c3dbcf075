import type { Page } from "playwright-core";

/** The terminal that is shown in the panel. */
export class Terminal {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Its whole buffer, scroll-back included, without blank lines at the end. Lines that wrap are as many as they take. */
  async lines(): Promise<readonly string[]> {
    const lines = await this.#page
      .evaluate<string[]>("window.driver.getTerminalBuffer('.terminal-wrapper.active')")
      .catch(() => []);
    const trimmed = lines.map((line) => line.replaceAll(" ", " ").trimEnd());
    while (trimmed.at(-1) === "") trimmed.pop();
    return trimmed;
  }

  async text(): Promise<string> {
    return (await this.lines()).join("\n");
  }

  /** Resolves with the whole text once the pattern is in it. @throws Error that shows what was there instead */
  async waitFor(pattern: RegExp, timeoutMs = 60_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const text = await this.text();
      if (pattern.test(text)) return text;
      if (Date.now() > deadline) throw new Error(`The terminal never showed ${String(pattern)}. It shows:\n${text}`);
      await this.#page.waitForTimeout(100);
    }
  }

  /** Types as a person would, into the terminal. */
  async type(text: string): Promise<void> {
    await this.focus();
    await this.#page.keyboard.type(text);
  }

  async press(key: string): Promise<void> {
    await this.focus();
    await this.#page.keyboard.press(key);
  }

  async focus(): Promise<void> {
    await this.#page.locator(".terminal-wrapper.active .xterm-screen").click();
  }
}
