import type { FrameLocator, Locator } from "playwright-core";
import type { Workbench } from "./workbench.ts";

/** The panel with what the cells of a file gave. */
export class CellResults {
  readonly #frame: FrameLocator;

  constructor({ page }: Workbench) {
    // What VS Code draws a web view in.
    this.#frame = page.frameLocator("iframe.webview").frameLocator("iframe#active-frame");
  }

  get page(): FrameLocator {
    return this.#frame;
  }

  /** All of them, oldest first. */
  get cells(): Locator {
    return this.#frame.locator("article");
  }

  /** The cell that begins with that code. */
  cell(source: string): Locator {
    return this.cells.filter({ has: this.#frame.locator(".source", { hasText: source }) }).last();
  }

  /** Resolves with the cell once it is in that state. */
  async waitFor(source: string, state: "succeeded" | "failed" | "stopped" | "live"): Promise<Locator> {
    const cell = this.cell(source);
    await this.#frame.locator(`article[data-state="${state}"]`).filter({ hasText: source }).last().waitFor();
    return cell;
  }

  /** The tool of the whole panel with that name. */
  tool(name: string): Locator {
    return this.#frame.locator("body > header").getByRole("button", { name, exact: true });
  }
}
