import type { Locator } from "playwright-core";
import type { Workbench } from "./workbench.ts";

/** The side bar with runs, sessions and snapshots. */
export class SandboxBar {
  readonly #workbench: Workbench;

  constructor(workbench: Workbench) {
    this.#workbench = workbench;
  }

  async show(): Promise<void> {
    await this.#workbench.showView("Sandbox");
  }

  get runs(): Locator {
    return this.#workbench.rowsOf("Runs");
  }

  get sessions(): Locator {
    return this.#workbench.rowsOf("Sessions");
  }

  get snapshots(): Locator {
    return this.#workbench.rowsOf("Snapshots");
  }

  /** Presses one of the buttons that a row shows when the mouse is over it. */
  async press(row: Locator, title: string): Promise<void> {
    await row.hover();
    await row.locator(`.actions .action-label[aria-label^="${title}"]`).click();
  }

  /** Chooses from the row's context menu. */
  async choose(row: Locator, title: string): Promise<void> {
    await row.click({ button: "right" });
    await this.#workbench.page.locator(".monaco-menu .action-label", { hasText: title }).first().click();
  }
}
