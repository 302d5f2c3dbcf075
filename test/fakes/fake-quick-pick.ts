interface Item {
  readonly label: string;
}

/** What a quick pick shows, and what a test does to it. */
interface Script {
  /** Labels of the rows to accept, in order; undefined, or none left, hides the pick. */
  readonly picks: (string | undefined)[];
  readonly asked: { readonly placeHolder: string | undefined; readonly labels: readonly string[] }[];
}

/** `vscode.window.createQuickPick`, answered as soon as it is shown. */
export function createFakeQuickPick({ picks, asked }: Script) {
  const accepting: (() => void)[] = [];
  const hiding: (() => void)[] = [];
  const state = { isShown: false };
  const pick = {
    title: undefined as string | undefined,
    placeholder: undefined as string | undefined,
    items: [] as readonly Item[],
    activeItems: [] as readonly Item[],
    selectedItems: [] as readonly Item[],
    value: "",
    onDidAccept: (listener: () => void) => void accepting.push(listener),
    onDidHide: (listener: () => void) => void hiding.push(listener),
    onDidChangeValue: () => undefined,
    show: () => {
      state.isShown = true;
      asked.push({ placeHolder: pick.title, labels: pick.items.map(({ label }) => label) });
      void answer();
    },
    hide: () => {
      state.isShown = false;
      for (const listener of hiding) listener();
    },
    dispose: () => undefined,
  };
  const answer = async (): Promise<void> => {
    while (state.isShown) {
      await Promise.resolve();
      const label = picks.shift();
      if (label === undefined) return pick.hide();
      pick.selectedItems = pick.items.filter((item) => item.label === label);
      for (const listener of accepting) listener();
    }
  };
  return pick;
}
