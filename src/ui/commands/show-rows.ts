import * as vscode from "vscode";

/** How rows are shown. */
interface RowsOptions<T> {
  readonly title: string;
  readonly placeholder?: string;
  /** The row that Enter takes at once; the first when left out. */
  readonly active?: T | undefined;
  /** Why a row cannot be taken now, for people: it is said, and the list stays. */
  readonly whyNot?: (row: T) => string | undefined;
}

/** Lets the user take one row; undefined when they take none. */
export function showRows<T extends vscode.QuickPickItem>(
  rows: readonly T[],
  { title, placeholder = "", active, whyNot }: RowsOptions<T>,
): Promise<T | undefined> {
  return new Promise((resolve) => {
    const pick = vscode.window.createQuickPick<T>();
    pick.title = title;
    pick.placeholder = placeholder;
    pick.matchOnDescription = true;
    pick.ignoreFocusOut = true;
    pick.items = rows;
    pick.activeItems = active ? [active] : rows.slice(0, 1);
    pick.onDidAccept(() => {
      const [row] = pick.selectedItems;
      const reason = row && whyNot?.(row);
      if (reason !== undefined) {
        pick.placeholder = reason;
        return;
      }
      resolve(row);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}
