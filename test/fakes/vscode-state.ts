import type { FakePanel } from "./fake-webview.ts";
import type { URI } from "./uri.ts";

/** What the editor looks like, and what was done to it. Call {@link resetFake} before each test. */
export interface FakeState {
  settings: Record<string, unknown>;
  folders: { readonly uri: URI; readonly name: string; readonly index: number }[];
  documents: FakeDocument[];
  activeEditor: { readonly document: FakeDocument; readonly selection: FakeSelection } | undefined;
  /** The editors that are seen; what decorates their lines is kept in `marked`, by line from 0. */
  visibleEditors: FakeEditor[];
  isTrusted: boolean;
  /** Buttons to press, in order, on the messages to come; undefined dismisses one. */
  answers: (string | undefined)[];
  /** Labels to take, in order, in the pickers to come; undefined dismisses one. */
  picks: (string | undefined)[];
  /** What is typed into the input boxes to come. */
  inputs: (string | undefined)[];
  /** The input boxes that were answered, with what they said to the answer. */
  readonly inputBoxes: (FakeInputBox & { readonly doubt: unknown })[];
  /** What the file dialogs to come give. */
  files: (URI | undefined)[];
  /** Files, path -> text. */
  readonly disk: Map<string, string>;
  /** Open editors, by what their tabs say. */
  tabs: { readonly label: string }[];
  readonly messages: {
    readonly level: string;
    readonly message: string;
    readonly detail?: string;
    readonly buttons: readonly string[];
  }[];
  /** The pickers that were shown. */
  readonly asked: { readonly placeHolder: string | undefined; readonly labels: readonly string[] }[];
  readonly executed: { readonly command: string; readonly args: readonly unknown[] }[];
  readonly commands: Map<string, (...args: unknown[]) => unknown>;
  readonly terminals: FakeTerminal[];
  readonly statusItems: FakeStatusItem[];
  readonly panels: FakePanel[];
  /** View type -> what brings its panels back after a reload. */
  readonly serializers: Map<string, FakeSerializer>;
  /** Files that were shown in an editor, with the line (from 0) of the cursor. */
  readonly shown: { readonly path: string; readonly line: number | undefined }[];
  /** Addresses that were opened outside of the editor. */
  readonly opened: string[];
  /** What was put on the clipboard. */
  readonly copied: string[];
}

export interface FakeSerializer {
  deserializeWebviewPanel(panel: FakePanel, kept: unknown): Promise<void>;
}

export interface FakeStatusItem {
  readonly id: string;
  text: string;
  tooltip: string | undefined;
  isShown: boolean;
  show(): void;
  hide(): void;
  dispose(): void;
}

export interface FakeDocument {
  readonly uri: URI;
  readonly languageId: string;
  readonly isDirty: boolean;
  readonly lineCount: number;
  getText(): string;
  lineAt(line: number): { readonly text: string };
  save(): Promise<boolean>;
}

export interface FakeEditor {
  readonly document: FakeDocument;
  marked: readonly number[];
  setDecorations(style: unknown, ranges: readonly { readonly start: FakePlace }[]): void;
}

export interface FakeInputBox {
  readonly title?: string;
  readonly password?: boolean;
  readonly validateInput?: (text: string) => unknown;
}

interface FakePlace {
  readonly line: number;
  readonly character: number;
}

interface FakeSelection {
  /** Where the cursor is. */
  readonly active?: FakePlace;
  readonly start: FakePlace;
  readonly end: FakePlace;
}

export interface FakeTerminal {
  readonly name: string;
  readonly pty: unknown;
  readonly shown: { preserveFocus: boolean | undefined }[];
  show(preserveFocus?: boolean): void;
}

export const state: FakeState = {
  settings: {},
  folders: [],
  documents: [],
  activeEditor: undefined,
  visibleEditors: [],
  isTrusted: true,
  answers: [],
  picks: [],
  inputs: [],
  inputBoxes: [],
  files: [],
  disk: new Map(),
  tabs: [],
  messages: [],
  asked: [],
  executed: [],
  commands: new Map(),
  terminals: [],
  statusItems: [],
  panels: [],
  serializers: new Map(),
  shown: [],
  opened: [],
  copied: [],
};

export function resetFake(settings: Record<string, unknown> = {}): void {
  Object.assign(state, {
    settings,
    folders: [],
    documents: [],
    activeEditor: undefined,
    visibleEditors: [],
    isTrusted: true,
    answers: [],
    picks: [],
    inputs: [],
    files: [],
    tabs: [],
  });
  const lists = [
    state.messages,
    state.asked,
    state.inputBoxes,
    state.executed,
    state.terminals,
    state.statusItems,
    state.panels,
  ];
  for (const list of [...lists, state.shown, state.opened, state.copied]) list.length = 0;
  state.commands.clear();
  state.serializers.clear();
  state.disk.clear();
}

/** An editor that is seen. */
export function fakeEditor(document: FakeDocument): FakeEditor {
  const editor: FakeEditor = {
    document,
    marked: [],
    setDecorations: (_style, ranges) => {
      editor.marked = ranges.map(({ start }) => start.line);
    },
  };
  return editor;
}

/** A document as an editor shows it; `save` notes itself in `saved`. */
export function fakeDocument(
  uri: URI,
  text: string,
  options: { languageId?: string; isDirty?: boolean } = {},
): FakeDocument & { saved: number } {
  const lines = text.split("\n");
  const document = {
    uri,
    languageId: options.languageId ?? "python",
    isDirty: options.isDirty ?? false,
    lineCount: lines.length,
    saved: 0,
    getText: () => text,
    lineAt: (line: number) => ({ text: lines[line] ?? "" }),
    save: async () => {
      document.saved++;
      document.isDirty = false;
      return true;
    },
  };
  return document;
}
