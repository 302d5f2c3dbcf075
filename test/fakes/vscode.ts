/** The part of VS Code's API that src/ui uses, in memory. Tests set `state` and read what was done back from it. */
import { createFakeDisk } from "./fake-disk.ts";
import { createFakePanel } from "./fake-webview.ts";
import { createFakeQuickPick } from "./fake-quick-pick.ts";
import { URI } from "./uri.ts";
import {
  type FakeInputBox,
  type FakeSerializer,
  type FakeStatusItem,
  type FakeTerminal,
  state,
} from "./vscode-state.ts";

export { URI as Uri };

export { type FakeDocument, type FakeState, fakeDocument, fakeEditor, resetFake, state } from "./vscode-state.ts";

interface Disposable {
  dispose(): void;
}

export class EventEmitter<T> {
  #listeners = new Set<(value: T) => void>();
  readonly event = (listener: (value: T) => void): Disposable => {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
  dispose(): void {
    this.#listeners.clear();
  }
}

export class Position {
  readonly line: number;
  readonly character: number;
  constructor(line: number, character: number) {
    this.line = line;
    this.character = character;
  }
}

export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(...at: [Position, Position] | [number, number, number, number]) {
    this.start = at.length === 2 ? at[0] : new Position(at[0], at[1]);
    this.end = at.length === 2 ? at[1] : new Position(at[2], at[3]);
  }
}

export class Selection extends Range {
  readonly active: Position;
  constructor(anchor: Position, active: Position) {
    super(anchor, active);
    this.active = active;
  }
}

export class CodeLens {
  readonly range: Range;
  readonly command: unknown;
  constructor(range: Range, command: unknown) {
    this.range = range;
    this.command = command;
  }
}

export class ThemeColor {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}

export class ThemeIcon {
  static readonly File = new ThemeIcon("file");
  static readonly Folder = new ThemeIcon("folder");
  readonly id: string;
  readonly color: ThemeColor | undefined;
  constructor(id: string, color?: ThemeColor) {
    this.id = id;
    this.color = color;
  }
}

export class TreeItem {
  readonly label: string;
  collapsibleState: number;
  constructor(label: string, collapsibleState = 0) {
    this.label = label;
    this.collapsibleState = collapsibleState;
  }
}

export class CompletionItem {
  readonly label: string;
  readonly kind: number | undefined;
  constructor(label: string, kind?: number) {
    this.label = label;
    this.kind = kind;
  }
}

export const CompletionItemKind = { Snippet: 14, File: 16, Folder: 18 } as const;
export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 } as const;
export const FileType = { Unknown: 0, File: 1, Directory: 2, SymbolicLink: 64 } as const;
export const FilePermission = { Readonly: 1 } as const;
export const ConfigurationTarget = { Global: 1, Workspace: 2, WorkspaceFolder: 3 } as const;
export const ProgressLocation = { Notification: 15 } as const;
export const StatusBarAlignment = { Left: 1, Right: 2 } as const;
export const InputBoxValidationSeverity = { Info: 1, Warning: 2, Error: 3 } as const;
export const TextEditorRevealType = { InCenterIfOutsideViewport: 2 } as const;
export const ViewColumn = { Active: -1, Beside: -2, One: 1 } as const;
export const QuickPickItemKind = { Separator: -1, Default: 0 } as const;

export class FileSystemError extends Error {
  static FileNotFound(uri?: unknown): FileSystemError {
    return new FileSystemError(`not found: ${String(uri)}`);
  }
  static NoPermissions(): FileSystemError {
    return new FileSystemError("no permissions");
  }
  static Unavailable(message: string): FileSystemError {
    return new FileSystemError(message);
  }
}

export const l10n = {
  t: (message: string, ...args: unknown[]): string =>
    message.replaceAll(/\{(\d+)\}/g, (_, index: string) => String(args[Number(index)])),
};

const disk = createFakeDisk(state.disk, (uri) => FileSystemError.FileNotFound(uri));

/** Fire it as VS Code does when a setting has changed. */
export const configurationChanged = new EventEmitter<{ affectsConfiguration(section: string): boolean }>();

/** Fire it as VS Code does when a document was saved. */
export const documentSaved = new EventEmitter<{ readonly uri: URI }>();

/** Fire it as VS Code does when another editor has the focus. */
export const editorChanged = new EventEmitter<void>();

const never = () => ({ dispose: () => undefined });

export const workspace = {
  get isTrusted(): boolean {
    return state.isTrusted;
  },
  get workspaceFolders() {
    return state.folders.length === 0 ? undefined : state.folders;
  },
  get textDocuments() {
    return state.documents;
  },
  getWorkspaceFolder: (uri: URI) => state.folders.find((folder) => uri.path.startsWith(`${folder.uri.path}/`)),
  getConfiguration: (section: string) => ({
    get: (key: string) => state.settings[`${section}.${key}`],
    inspect: (key: string) => ({ defaultValue: state.settings[`${section}.${key}`] }),
    update: async (key: string, value: unknown) => {
      state.settings[`${section}.${key}`] = value;
    },
  }),
  onDidChangeConfiguration: configurationChanged.event,
  onDidSaveTextDocument: documentSaved.event,
  onDidChangeTextDocument: never,
  createFileSystemWatcher: () => ({
    onDidCreate: never,
    onDidChange: never,
    onDidDelete: never,
    dispose: () => undefined,
  }),
  fs: {
    ...disk,
    delete: async (uri: URI) => {
      disk.forget(uri);
      state.executed.push({ command: "fs.delete", args: [uri.fsPath] });
    },
  },
  asRelativePath: (uri: URI) => uri.path,
  openTextDocument: async (uri: URI) => {
    const document = state.documents.find((each) => each.uri.toString() === uri.toString());
    if (!document) throw new FileSystemError(`not found: ${uri.toString()}`);
    return document;
  },
};

async function show(level: string, message: string, rest: readonly unknown[]): Promise<string | undefined> {
  const [first] = rest;
  const options =
    typeof first === "object" && first !== null && "detail" in first ? { detail: String(first.detail) } : {};
  state.messages.push({ level, message, ...options, buttons: rest.filter((each) => typeof each === "string") });
  return state.answers.shift();
}

export const window = {
  get activeTextEditor() {
    return state.activeEditor;
  },
  get visibleTextEditors() {
    return state.visibleEditors;
  },
  onDidChangeActiveTextEditor: editorChanged.event,
  onDidChangeVisibleTextEditors: never,
  createTextEditorDecorationType: (options: unknown) => ({ ...Object(options), dispose: () => undefined }),
  showTextDocument: async (uri: URI, options?: { readonly selection?: Range }) => {
    state.shown.push({ path: uri.path, line: options?.selection?.start.line });
  },
  activeTerminal: undefined,
  showErrorMessage: (message: string, ...rest: unknown[]) => show("error", message, rest),
  showWarningMessage: (message: string, ...rest: unknown[]) => show("warning", message, rest),
  showInformationMessage: (message: string, ...rest: unknown[]) => show("information", message, rest),
  showQuickPick: async <T extends { readonly label: string }>(
    items: readonly T[],
    options?: { placeHolder?: string },
  ) => {
    state.asked.push({ placeHolder: options?.placeHolder, labels: items.map(({ label }) => label) });
    const label = state.picks.shift();
    return items.find((item) => item.label === label);
  },
  createQuickPick: () => createFakeQuickPick(state),
  createStatusBarItem: (id: string) => {
    const item: FakeStatusItem = {
      id,
      text: "",
      tooltip: undefined,
      isShown: false,
      show: () => (item.isShown = true),
      hide: () => (item.isShown = false),
      dispose: () => (item.isShown = false),
    };
    state.statusItems.push(item);
    return item;
  },
  createWebviewPanel: (viewType: string, title: string) => {
    const panel = createFakePanel(viewType, title);
    state.panels.push(panel);
    return panel;
  },
  registerWebviewPanelSerializer: (viewType: string, serializer: FakeSerializer) => {
    state.serializers.set(viewType, serializer);
    return { dispose: () => void state.serializers.delete(viewType) };
  },
  createTreeView: () => ({ title: "", description: "", message: "", dispose: () => undefined }),
  showInputBox: async (options?: FakeInputBox) => {
    const text = state.inputs.shift();
    if (text !== undefined && options) state.inputBoxes.push({ ...options, doubt: options.validateInput?.(text) });
    return text;
  },
  showSaveDialog: async () => state.files.shift(),
  showOpenDialog: async () => state.files.splice(0, 1),
  setStatusBarMessage: (message: string) => {
    state.messages.push({ level: "status", message, buttons: [] });
    return { dispose: () => undefined };
  },
  tabGroups: {
    get all() {
      return [{ tabs: state.tabs }];
    },
    close: async (tabs: readonly { label: string }[]) => {
      state.tabs = state.tabs.filter((tab) => !tabs.includes(tab));
      return true;
    },
  },
  showWorkspaceFolderPick: async () => state.folders.at(-1),
  onDidCloseTerminal: () => ({ dispose: () => undefined }),
  createTerminal: (options: { name: string; pty: unknown }) => {
    const terminal: FakeTerminal = {
      name: options.name,
      pty: options.pty,
      shown: [],
      show: (preserveFocus) => void terminal.shown.push({ preserveFocus }),
    };
    state.terminals.push(terminal);
    return terminal;
  },
  withProgress: async (_options: unknown, task: (progress: unknown, token: unknown) => Promise<unknown>) =>
    task({ report: () => undefined }, { onCancellationRequested: () => ({ dispose: () => undefined }) }),
};

export const languages = {
  registerCodeLensProvider: never,
};

export const env = {
  language: "en",
  openExternal: async (uri: URI) => {
    state.opened.push(uri.toString());
    return true;
  },
  clipboard: {
    writeText: async (text: string) => void state.copied.push(text),
  },
};

export const commands = {
  registerCommand: (id: string, handler: (...args: unknown[]) => unknown) => {
    state.commands.set(id, handler);
    return { dispose: () => void state.commands.delete(id) };
  },
  executeCommand: async (command: string, ...args: unknown[]) => {
    state.executed.push({ command, args });
    return undefined;
  },
};
