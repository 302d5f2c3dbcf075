import { Emitter } from "../../src/core/event.ts";
import type { ImageOffer } from "../../src/core/provider.ts";
import type { CellContext } from "../../src/sessions/cells/cell-context.ts";
import type { PortAddress } from "../../src/core/sandbox.ts";
import type { BatchRecord, CostReport, GpuOffer, Rate, SavedImage } from "../../src/sessions/cloud-records.ts";
import type { HostedEngine } from "../../src/sessions/create-engine.ts";
import type { ApplyResult, EngineEvent } from "../../src/sessions/engine.ts";
import type { ReviewedChange, RunRecord, SessionRecord } from "../../src/sessions/records.ts";
import type {
  ChangeSetRecord,
  SnapshotChange,
  SnapshotFile,
  SnapshotRecord,
  StorageReport,
  UploadPreview,
} from "../../src/sessions/snapshot-records.ts";

/** An engine that answers what a test says, and remembers what it was asked. */
export class ScriptedEngine implements HostedEngine {
  readonly changed = new Emitter<EngineEvent>();
  readonly onDidChange = this.changed.event;
  readonly calls: unknown[][] = [];
  isBusy = false;
  result: () => Promise<unknown> = async () => undefined;
  startRun = (...args: unknown[]): Promise<RunRecord> => this.#call("startRun", args);
  writeInput = (...args: unknown[]): Promise<void> => this.#call("writeInput", args);
  closeInput = (...args: unknown[]): Promise<void> => this.#call("closeInput", args);
  resizeRun = (...args: unknown[]): Promise<void> => this.#call("resizeRun", args);
  stopRun = (...args: unknown[]): Promise<void> => this.#call("stopRun", args);
  startSession = (...args: unknown[]): Promise<SessionRecord> => this.#call("startSession", args);
  destroySession = (...args: unknown[]): Promise<void> => this.#call("destroySession", args);
  listRuns = (...args: unknown[]): Promise<readonly RunRecord[]> => this.#call("listRuns", args);
  listSessions = (...args: unknown[]): Promise<readonly SessionRecord[]> => this.#call("listSessions", args);
  readChanges = (...args: unknown[]): Promise<readonly ReviewedChange[]> => this.#call("readChanges", args);
  applyChanges = (...args: unknown[]): Promise<ApplyResult> => this.#call("applyChanges", args);
  discardChanges = (...args: unknown[]): Promise<void> => this.#call("discardChanges", args);
  checkTarget = (...args: unknown[]): Promise<void> => this.#call("checkTarget", args);
  listSnapshots = (...args: unknown[]): Promise<readonly SnapshotRecord[]> => this.#call("listSnapshots", args);
  takeSnapshot = (...args: unknown[]): Promise<SnapshotRecord> => this.#call("takeSnapshot", args);
  listSnapshotFiles = (...args: unknown[]): Promise<readonly SnapshotFile[]> => this.#call("listSnapshotFiles", args);
  diffSnapshots = (...args: unknown[]): Promise<readonly SnapshotChange[]> => this.#call("diffSnapshots", args);
  updateSnapshot = (...args: unknown[]): Promise<SnapshotRecord> => this.#call("updateSnapshot", args);
  deleteSnapshot = (...args: unknown[]): Promise<void> => this.#call("deleteSnapshot", args);
  exportSnapshot = (...args: unknown[]): Promise<void> => this.#call("exportSnapshot", args);
  importSnapshot = (...args: unknown[]): Promise<SnapshotRecord> => this.#call("importSnapshot", args);
  restoreWorkspace = (...args: unknown[]): Promise<ChangeSetRecord> => this.#call("restoreWorkspace", args);
  restoreSession = (...args: unknown[]): Promise<SessionRecord> => this.#call("restoreSession", args);
  findSecrets = (...args: unknown[]): Promise<readonly never[]> => this.#call("findSecrets", args);
  forkSession = (...args: unknown[]): Promise<SessionRecord> => this.#call("forkSession", args);
  listChangeSets = (...args: unknown[]): Promise<readonly ChangeSetRecord[]> => this.#call("listChangeSets", args);
  pullSession = (...args: unknown[]): Promise<ChangeSetRecord> => this.#call("pullSession", args);
  previewUpload = (...args: unknown[]): Promise<UploadPreview> => this.#call("previewUpload", args);
  allowSecrets = (...args: unknown[]): Promise<void> => this.#call("allowSecrets", args);
  readStorage = (...args: unknown[]): Promise<StorageReport> => this.#call("readStorage", args);
  setRetention = (...args: unknown[]): Promise<void> => this.#call("setRetention", args);
  setCredential = (...args: unknown[]): Promise<void> => this.#call("setCredential", args);
  listGpus = (...args: unknown[]): Promise<readonly GpuOffer[]> => this.#call("listGpus", args);
  estimateRate = (...args: unknown[]): Promise<Rate | undefined> => this.#call("estimateRate", args);
  readCosts = (...args: unknown[]): Promise<CostReport> => this.#call("readCosts", args);
  setCostPolicy = (...args: unknown[]): Promise<void> => this.#call("setCostPolicy", args);
  setWarmPool = (...args: unknown[]): Promise<void> => this.#call("setWarmPool", args);
  startBatch = (...args: unknown[]): Promise<BatchRecord> => this.#call("startBatch", args);
  stopBatch = (...args: unknown[]): Promise<void> => this.#call("stopBatch", args);
  listBatches = (...args: unknown[]): Promise<readonly BatchRecord[]> => this.#call("listBatches", args);
  openPort = (...args: unknown[]): Promise<PortAddress> => this.#call("openPort", args);
  saveImage = (...args: unknown[]): Promise<SavedImage> => this.#call("saveImage", args);
  pauseSession = (...args: unknown[]): Promise<SessionRecord> => this.#call("pauseSession", args);
  resumeSession = (...args: unknown[]): Promise<SessionRecord> => this.#call("resumeSession", args);
  listContexts = (...args: unknown[]): Promise<readonly CellContext[]> => this.#call("listContexts", args);
  restartContext = (...args: unknown[]): Promise<void> => this.#call("restartContext", args);
  listImages = (...args: unknown[]): Promise<readonly ImageOffer[]> => this.#call("listImages", args);
  stopAbandonedRun = (...args: unknown[]): Promise<void> => this.#call("stopAbandonedRun", args);
  stopAbandonedBatch = (...args: unknown[]): Promise<void> => this.#call("stopAbandonedBatch", args);
  dispose(): void {
    this.changed.dispose();
  }

  async #call<T>(method: string, args: unknown[]): Promise<T> {
    this.calls.push([method, ...args]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a test says the engine answers
    return (await this.result()) as T;
  }
}
