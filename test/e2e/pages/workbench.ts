import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { root } from "../../../scripts/setup/paths.mjs";

const SCREENSHOTS = join(root, "media/screenshots");
/** The first window of a browser loads 20 MB of script. */
const OPEN_TIMEOUT_MS = 90_000;

/** One window of VS Code, as a person uses it. */
export class Workbench {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(30_000);
  }

  /** Opens the address and waits until the extension is there: it comes a moment after the window. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.page.locator('.statusbar-item[id^="sandpiper"]').first().waitFor({ timeout: OPEN_TIMEOUT_MS });
  }

  /** As F1 "Developer: Reload Window" does it. */
  async reload(): Promise<void> {
    await this.open(this.page.url());
  }

  async openFile(name: string): Promise<void> {
    await this.page.getByRole("treeitem", { name, exact: true }).dblclick();
    await this.page.locator(".tab.active", { hasText: name }).waitFor();
    // The tab comes before the text, and extensions know an editor by its text.
    await this.page.locator(".editor-instance .view-line").first().waitFor();
  }

  /** Runs a command by its title, as in "Sandbox: Run File". */
  async runCommand(title: string): Promise<void> {
    await this.page.keyboard.press("F1");
    await this.quickInput.fill(`>${title}`);
    await this.page.getByRole("option", { name: title }).first().waitFor();
    await this.page.keyboard.press("Enter");
  }

  get quickInput(): Locator {
    return this.page.locator(".quick-input-widget input.input");
  }

  /** Takes the first row of an open pick that has this text. */
  async pick(text: string | RegExp): Promise<void> {
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: text }).first().click();
  }

  /** The open pick as a whole. */
  get quickPick(): Locator {
    return this.page.locator(".quick-input-widget");
  }

  get quickPickRows(): Locator {
    return this.page.locator(".quick-input-list .monaco-list-row");
  }

  get codeLenses(): Locator {
    return this.page.locator(".codelens-decoration a");
  }

  get statusBar(): Locator {
    return this.page.locator(".statusbar-item");
  }

  get notifications(): Locator {
    return this.page.locator(".notification-toast .notification-list-item-message");
  }

  get notificationButtons(): Locator {
    return this.page.locator(".notification-toast .notification-list-item-buttons-container .monaco-button");
  }

  /** The dialog that stops everything until it is answered. */
  get dialog(): Locator {
    return this.page.locator(".monaco-dialog-box");
  }

  /** Rows of trees in the side bar. */
  get treeRows(): Locator {
    return this.page.locator(".sidebar .monaco-list-row");
  }

  /** Rows of the view with that name. */
  rowsOf(view: string): Locator {
    return this.page
      .locator(".sidebar .pane", { has: this.page.locator(`.pane-header[aria-label^="${view}"]`) })
      .locator(".monaco-list-row");
  }

  /** Of the view in the side bar, with its title and its buttons. */
  viewHeader(view: string): Locator {
    return this.page.locator(`.sidebar .pane-header[aria-label^="${view}"]`);
  }

  async showView(container: string): Promise<void> {
    const tab = this.page.locator(".activitybar").getByRole("tab", { name: new RegExp(`^${container}`) });
    if ((await tab.getAttribute("aria-selected")) !== "true") await tab.click();
  }

  /** Closes what VS Code shows over everything, as it does its page on trust. */
  async closeModalEditor(): Promise<void> {
    const modal = this.page.locator(".monaco-modal-editor-block");
    await modal
      .getByRole("button", { name: /^Close/ })
      .last()
      .click();
    await modal.waitFor({ state: "detached" });
  }

  /** Saves media/screenshots/NAME.png, with the mouse out of the way. @returns its path */
  async screenshot(name: string): Promise<string> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    const path = join(SCREENSHOTS, `${name}.png`);
    await this.page.mouse.move(640, 2);
    await this.page.screenshot({ path, caret: "hide" });
    return path;
  }
}
