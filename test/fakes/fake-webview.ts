import { URI } from "./uri.ts";

/** A web view's panel in memory: what it was sent, and what it can be made to say. */
export interface FakePanel {
  readonly viewType: string;
  title: string;
  visible: boolean;
  revealed: number;
  isDisposed: boolean;
  readonly webview: {
    html: string;
    options: unknown;
    readonly cspSource: string;
    asWebviewUri(uri: URI): URI;
    postMessage(message: unknown): Promise<boolean>;
    onDidReceiveMessage(listener: (message: unknown) => void): { dispose(): void };
  };
  readonly posted: unknown[];
  /** Says something as the page's script would. */
  say(message: unknown): void;
  /** Hides it behind another tab, or brings it back. */
  turn(isVisible: boolean): void;
  reveal(): void;
  dispose(): void;
  onDidDispose(listener: () => void): { dispose(): void };
  onDidChangeViewState(listener: () => void): { dispose(): void };
}

export function createFakePanel(viewType: string, title: string): FakePanel {
  const listeners = { said: listen<unknown>(), disposed: listen<void>(), turned: listen<void>() };
  const panel: FakePanel = {
    viewType,
    title,
    visible: true,
    revealed: 0,
    isDisposed: false,
    posted: [],
    webview: {
      html: "",
      options: undefined,
      cspSource: "https://webview.example",
      asWebviewUri: (uri) => URI.from({ scheme: "https", authority: "webview.example", path: uri.path }),
      postMessage: async (message) => {
        panel.posted.push(message);
        return true;
      },
      onDidReceiveMessage: listeners.said.on,
    },
    say: (message) => listeners.said.fire(message),
    turn: (isVisible) => {
      panel.visible = isVisible;
      listeners.turned.fire();
    },
    reveal: () => void panel.revealed++,
    dispose: () => {
      panel.isDisposed = true;
      listeners.disposed.fire();
    },
    onDidDispose: listeners.disposed.on,
    onDidChangeViewState: listeners.turned.on,
  };
  return panel;
}

function listen<T>() {
  const all = new Set<(value: T) => void>();
  return {
    on: (listener: (value: T) => void) => {
      all.add(listener);
      return { dispose: () => void all.delete(listener) };
    },
    fire: (value: T) => all.forEach((listener) => listener(value)),
  };
}
