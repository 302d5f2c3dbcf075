import type { Page } from "playwright-core";

interface Row {
  readonly text: string;
  readonly isWrapped: boolean;
}

/** Runs in the page, where VS Code hangs xterm.js's terminal on its element. */
const READ_BUFFER = `(() => {
  const buffer = document.querySelector(".terminal-wrapper.active")?.xterm?.buffer.active;
  return Array.from({ length: buffer?.length ?? 0 }, (_, index) => {
    const line = buffer.getLine(index);
    return { text: line.translateToString(true), isWrapped: line.isWrapped };
  });
})()`;

/** The terminal that is shown in the panel. */
export class Terminal {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Its whole buffer, scroll-back included, wrapped lines as one, without blank lines at the end. */
  async lines(): Promise<readonly string[]> {
    const rows = await this.#page.evaluate<readonly Row[]>(READ_BUFFER);
    const lines: string[] = [];
    for (const { text, isWrapped } of rows) lines.push(isWrapped ? (lines.pop() ?? "") + text : text);
    const trimmed = lines.map((line) => line.replaceAll("\u00a0", " ").trimEnd());
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
