import { join } from "node:path";
import * as vscode from "vscode";
import { DisposableStore } from "./core/disposable-store.ts";
import type { Logger } from "./core/logger.ts";
import { toMessage } from "./core/sandbox-error.ts";
import type { ConnectedEngine } from "./host/engine-client.ts";
import { type StateFolder, toStateFolder } from "./sessions/state-folder.ts";
import { followKeys, handOnKeys } from "./ui/account/hand-on-keys.ts";
import { createKeyStore, type KeyStore } from "./ui/account/key-store.ts";
import { BatchPanels } from "./ui/batch/batch-panels.ts";
import { Cells } from "./ui/cells/cells.ts";
import { registerCommands } from "./ui/commands/register-commands.ts";
import { keepContexts } from "./ui/contexts.ts";
import { EngineLink } from "./ui/engine-link.ts";
import { registerCompletion } from "./ui/ignore/register-completion.ts";
import { keepSettings, tellSettings } from "./ui/keep-settings.ts";
import { CodeLenses } from "./ui/lens/code-lenses.ts";
import { createReadLog, logFileOf } from "./ui/read-log.ts";
import { createReadObject } from "./ui/read-object.ts";
import { restoreRuns } from "./ui/restore-runs.ts";
import { ReviewFiles, SCHEME } from "./ui/review/review-files.ts";
import { RunStore } from "./ui/run-store.ts";
import { createStatusBar } from "./ui/status-bar.ts";
import { RunTerminals } from "./ui/terminal/run-terminals.ts";
import { createTerminalLinks } from "./ui/terminal/terminal-links.ts";
import { UploadView } from "./ui/upload/upload-view.ts";
import type { FindMirror } from "./ui/virtual/mirror-engine.ts";
import { createViews } from "./ui/views/create-views.ts";

let resources: DisposableStore | undefined;

/** VS Code's way in. Nothing here waits or touches the disk: the engine is reached when something needs it. */
export function activate(context: vscode.ExtensionContext): void {
  resources = new DisposableStore();
  const logger = resources.add(vscode.window.createOutputChannel("Sandpiper", { log: true }));
  const state = toStateFolder(process.env);
  const keys = resources.add(createKeyStore(context.secrets));
  const connect = createConnect(context, state, logger);
  const link = resources.add(new EngineLink(async () => await greet(await connect(), keys, logger), logger));
  const store = resources.add(new RunStore(link));
  const terminals = resources.add(new RunTerminals({ link, store, readLog: createReadLog(state), logger }));
  const reviewFiles = new ReviewFiles({
    link,
    readObject: createReadObject(state),
    logFileOf: (runId) => logFileOf(state, runId),
  });
  const lenses = resources.add(new CodeLenses(store));
  const { extensionUri } = context;
  const cells = resources.add(new Cells({ link, store, state, extensionUri, logger }));

  resources.add(
    vscode.workspace.registerFileSystemProvider(SCHEME, reviewFiles, { isReadonly: true, isCaseSensitive: true }),
  );
  resources.add(vscode.languages.registerCodeLensProvider("*", lenses));
  resources.add(vscode.window.registerTerminalLinkProvider(createTerminalLinks(terminals)));
  resources.add(keepContexts(link, store));
  resources.add(keepSettings(link, logger));
  resources.add(followKeys(keys, link, logger));
  resources.add(createViews({ link, store, reviewFiles, cells }));
  resources.add(createStatusBar(store));
  resources.add(vscode.commands.registerCommand("sandpiper.showLogs", () => logger.show()));
  resources.add(registerCompletion());
  const { workspaceState: memento, globalState: globalMemento } = context;
  const uploadView = resources.add(new UploadView(link));
  const isUnattended = context.extensionMode === vscode.ExtensionMode.Test;
  const batchPanels = resources.add(new BatchPanels({ store, extensionUri }));
  const asked = { memento, globalMemento, isUnattended };
  const deps = { link, store, terminals, reviewFiles, keys, uploadView, batchPanels, cells, logger, ...asked };
  resources.add(registerCommands(deps));
  restoreRuns({ state, store, terminals, logger });
}

/** VS Code waits for this one. */
export async function deactivate(): Promise<void> {
  await resources?.dispose();
}

/** What reaches the engine is loaded when something needs the engine. Folders that are not on disk keep their mirrors from one connection to the next. */
function createConnect(
  context: vscode.ExtensionContext,
  state: StateFolder,
  logger: Logger,
): () => Promise<ConnectedEngine> {
  const version = String(Reflect.get(Object(context.extension.packageJSON), "version"));
  const engineFile = join(context.extensionPath, "dist", "engine.js");
  let mirrors: FindMirror | undefined;
  return async () => {
    const { connectEngine } = await import("./host/connect-engine.ts");
    const { createMirrors, withMirrors } = await import("./ui/virtual/mirror-engine.ts");
    mirrors ??= createMirrors();
    const engine = await connectEngine({ state, version, role: "editor", engineFile, env: process.env, logger });
    return withMirrors(engine, mirrors);
  };
}

/** Tells the engine what it has to know before it is asked for anything. What goes wrong here keeps nobody from it. */
async function greet(engine: ConnectedEngine, keys: KeyStore, logger: Logger): Promise<ConnectedEngine> {
  await tellSettings(engine, logger);
  await handOnKeys(keys, engine).catch((error: unknown) => logger.warn(`Accounts: ${toMessage(error)}`));
  return engine;
}
