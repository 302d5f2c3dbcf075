import * as vscode from "vscode";
import { Emitter } from "../../../src/core/event.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { createKeyStore } from "../../../src/ui/account/key-store.ts";
import type { CommandDeps } from "../../../src/ui/commands/command-deps.ts";
import { BatchPanels } from "../../../src/ui/batch/batch-panels.ts";
import { Cells } from "../../../src/ui/cells/cells.ts";
import { toStateFolder } from "../../../src/sessions/state-folder.ts";
import { ReviewFiles } from "../../../src/ui/review/review-files.ts";
import { RunStore } from "../../../src/ui/run-store.ts";
import { RunTerminals } from "../../../src/ui/terminal/run-terminals.ts";
import { UploadView } from "../../../src/ui/upload/upload-view.ts";
import { FakeEngine, linkTo } from "./fake-engine.ts";

/** Every setting as package.json has it by default. */
export const SETTINGS: Readonly<Record<string, unknown>> = {
  "sandpiper.provider": "local",
  "sandpiper.network": "none",
  "sandpiper.memoryMiB": 2048,
  "sandpiper.cpus": 2,
  "sandpiper.maxProcesses": 512,
  "sandpiper.diskMiB": 4096,
  "sandpiper.lifetimeMinutes": 60,
  "sandpiper.local.boundary": "namespaces",
  "sandpiper.docker.image": "",
  "sandpiper.docker.context": "",
  "sandpiper.docker.host": "",
  "sandpiper.docker.runtime": "",
  "sandpiper.allowedHosts": [],
  "sandpiper.ports": [],
  "sandpiper.modal.image": "",
  "sandpiper.modal.dockerfile": [],
  "sandpiper.modal.environment": "",
  "sandpiper.modal.app": "",
  "sandpiper.modal.regions": [],
  "sandpiper.modal.cloud": "",
  "sandpiper.modal.secrets": [],
  "sandpiper.modal.maxConcurrent": 0,
  "sandpiper.modal.exitSnapshot": false,
  "sandpiper.modal.memorySnapshot": false,
  "sandpiper.e2b.template": "",
  "sandpiper.e2b.autoPause": false,
  "sandpiper.e2b.maxConcurrent": 0,
  "sandpiper.e2b.domain": "",
  "sandpiper.daytona.image": "",
  "sandpiper.daytona.region": "",
  "sandpiper.daytona.spot": false,
  "sandpiper.daytona.autoArchiveMinutes": 0,
  "sandpiper.daytona.maxConcurrent": 0,
  "sandpiper.daytona.apiUrl": "",
  "sandpiper.gpu": "",
  "sandpiper.gpuFallbacks": [],
  "sandpiper.warmPool": 0,
  "sandpiper.budget.perRunUsd": 0,
  "sandpiper.budget.perDayUsd": 0,
  "sandpiper.prices": {},
  "sandpiper.run.timeoutMinutes": 0,
  "sandpiper.run.languages": {},
  "sandpiper.run.env": {},
  "sandpiper.sync.maxFileMiB": 50,
  "sandpiper.sync.maxUploadMiB": 1024,
  "sandpiper.snapshots.maxCount": 100,
  "sandpiper.snapshots.maxAgeDays": 30,
  "sandpiper.snapshots.maxTotalMiB": 2048,
  "sandpiper.saveBeforeRun": "none",
  "sandpiper.codeLens.enabled": true,
};

/** What commands need, around an engine in memory. */
export function fakeDeps(
  engine = new FakeEngine(),
  globalMemento: vscode.Memento = agreedMemento(),
  state = toStateFolder({ SANDPIPER_STATE: "/no/state" }),
) {
  const extensionUri = vscode.Uri.file("/extension");
  const link = linkTo(engine);
  const store = new RunStore(link);
  const contents = new Map<string, string>();
  const secrets = fakeSecretStorage();
  const deps: CommandDeps = {
    link,
    store,
    terminals: new RunTerminals({
      link,
      store,
      readLog: async (_id, from) => ({ data: new Uint8Array(), nextOffset: from, sizeBytes: 0 }),
      logger: silentLogger,
    }),
    reviewFiles: new ReviewFiles({
      link,
      readObject: async function* (sha256) {
        yield Buffer.from(contents.get(sha256) ?? "");
      },
      logFileOf: (runId) => `/state/runs/${runId}/output.bin`,
    }),
    keys: createKeyStore(secrets),
    memento: fakeMemento(),
    globalMemento,
    isUnattended: false,
    uploadView: new UploadView(link),
    batchPanels: new BatchPanels({ store, extensionUri }),
    cells: new Cells({ link, store, state, extensionUri, logger: silentLogger }),
    logger: silentLogger,
  };
  return { deps, engine, store, contents, secrets };
}

/** VS Code's secret storage, in memory; `kept` is what is in it. */
export function fakeSecretStorage(): vscode.SecretStorage & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  const changed = new Emitter<vscode.SecretStorageChangeEvent>();
  return {
    kept,
    keys: async () => [...kept.keys()],
    get: async (key) => kept.get(key),
    store: async (key, value) => {
      kept.set(key, value);
      changed.fire({ key });
    },
    delete: async (key) => {
      kept.delete(key);
      changed.fire({ key });
    },
    onDidChange: changed.event,
  };
}

/** VS Code's, in memory. */
export function fakeMemento(): vscode.Memento {
  const remembered = new Map<string, unknown>();
  return {
    keys: () => [...remembered.keys()],
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- VS Code promises the same, with no more right to it
    get: <T>(key: string, fallback?: T) => (remembered.has(key) ? remembered.get(key) : fallback) as T,
    update: async (key, value) => void remembered.set(key, value),
  };
}

/** The user has agreed to send everything anywhere. */
function agreedMemento(): vscode.Memento {
  const memento = fakeMemento();
  const anywhere = [{ boundary: "host", network: "full" }];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  return { ...memento, get: <T>(key: string, fallback?: T) => (key.startsWith("agreed ") ? anywhere : fallback) as T };
}
