import { vi } from "vitest";
import * as vscode from "vscode";

/** What a row of a quick pick says. */
export interface QuickPickRow {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
}

/** Quick picks that stay open until they are hidden: `last` is what the newest one shows at present. */
export function watchQuickPicks(): { readonly last: readonly QuickPickRow[]; hide(): void } {
  const hiding: (() => void)[] = [];
  const pick = {
    items: [] as readonly QuickPickRow[],
    activeItems: [] as readonly QuickPickRow[],
    onDidAccept: () => undefined,
    onDidHide: (listener: () => void) => void hiding.push(listener),
    show: () => undefined,
    dispose: () => undefined,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the part of it that is used
  const spy = vi.spyOn(vscode.window, "createQuickPick").mockReturnValue(pick as never);
  return {
    get last() {
      return pick.items;
    },
    hide: () => {
      for (const listener of hiding) listener();
      spy.mockRestore();
    },
  };
}
