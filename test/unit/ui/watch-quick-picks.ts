import { vi } from "vitest";
import * as vscode from "vscode";

/** What a row of a quick pick says. */
export interface QuickPickRow {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
}

/** Quick picks that stay open until they are hidden. */
interface WatchedQuickPicks {
  /** What the newest one shows at present. */
  readonly last: readonly QuickPickRow[];
  /** The row of it that Enter would take. */
  readonly active: QuickPickRow | undefined;
  readonly placeholder: string;
  hide(): void;
}

export function watchQuickPicks(): WatchedQuickPicks {
  const hiding: (() => void)[] = [];
  const pick = {
    placeholder: "",
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
    get active() {
      return pick.activeItems[0];
    },
    get placeholder() {
      return pick.placeholder;
    },
    hide: () => {
      for (const listener of hiding) listener();
      spy.mockRestore();
    },
  };
}
