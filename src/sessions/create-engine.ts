import { withoutAutoPause } from "./auto-pause.ts";
import { createParts, type EngineDeps, type EngineParts } from "./engine-parts.ts";
import type { Call } from "../core/call.ts";
import { Emitter } from "../core/event.ts";
import type { Logger } from "../core/logger.ts";
import type { ProviderId } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { TerminalSize } from "../core/sandbox.ts";
import { type ChangeOwner } from "./change-desk.ts";
import { checkTarget, checkWorkspaceRoot } from "./check-request.ts";
import type { CloudEngine } from "./cloud-engine.ts";
import type { Credential } from "./credentials.ts";
import type { ApplyResult, Engine, EngineEvent, PathSelection } from "./engine.ts";
import { readInstallId } from "./install-id.ts";
import { settleSessions, sweepSandboxes } from "./reaper.ts";
import { pullSession } from "./pull-session.ts";
import type { ReviewedChange, RunRecord, RunRequest, SessionRecord, Target } from "./records.ts";
import { selectOldSessions } from "./retention.ts";
import type { SnapshotEngine } from "./snapshot-engine.ts";
import type { ChangeSetRecord } from "./snapshot-records.ts";
import { allowSecrets, previewUpload } from "./upload-desk.ts";
import { prepareStateFolder } from "./state-folder.ts";

/** An engine as the process that hosts it sees it. */
export interface HostedEngine extends Engine {
  /** Whether something goes on that needs this process. */
  readonly isBusy: boolean;
  /** Stops a run because the client that asked for it has gone. */
  stopAbandonedRun(runId: string): Promise<void>;
  /** The same of a batch. */
  stopAbandonedBatch(batchId: string): Promise<void>;
}

/**
 * Takes over the state folder and settles what an earlier engine left there: its runs are `lost`, its unfinished
 * sessions end, sandboxes that nobody owns are destroyed (in the background).
 * @throws {SandboxError} when the state folder cannot be used
 */
export async function createEngine(deps: EngineDeps): Promise<HostedEngine> {
  await prepareStateFolder(deps.state);
  const engine = new LocalEngine(deps, await readInstallId(deps.state.root));
  await engine.load();
  return engine;
}

class LocalEngine implements HostedEngine {
  readonly #deps: EngineDeps;
  readonly #logger: Logger;
  readonly #parts: EngineParts;
  readonly #changed = new Emitter<EngineEvent>();
  readonly #end = new AbortController();
  #sweep: Promise<void> = Promise.resolve();
  #isSweepDue = false;

  readonly onDidChange = this.#changed.event;

  constructor(deps: EngineDeps, installId: string) {
    this.#deps = deps;
    this.#logger = deps.logger;
    this.#parts = createParts(deps, installId, {
      newCall: () => this.#call(),
      onDidChange: (event) => this.#tell(event),
      onDidLoseTrack: () => this.#startSweep(),
      onDidEndRun: () => this.#forgetOld(),
    });
  }

  async load(): Promise<void> {
    const isShared = this.#deps.isShared ?? false;
    await this.#parts.pool.load();
    await this.#parts.snapshots.savedWorkspaces.load();
    await this.#parts.changeSets.load();
    await this.#parts.snapshots.timeline.load();
    await this.#parts.runs.load(isShared);
    await this.#parts.batches.load(isShared);
    await this.#parts.warm.load();
    await this.#parts.costs.load();
    if (isShared) return this.#parts.costs.startWatch();
    await this.#forgetOld();
    await settleSessions(this.#parts.reaper);
    this.#parts.pauses.watch();
    await this.#parts.snapshots.storage.load();
    this.#startSweep();
    // A sandbox may have ended while nobody looked.
    this.#sweep = Promise.all([this.#sweep, this.#parts.pool.reviveAll(this.#call())]).then(() =>
      this.#parts.costs.startWatch(),
    );
  }

  get isBusy(): boolean {
    const { costs, runs, batches, snapshots } = this.#parts;
    return costs.isNeeded || runs.isBusy || batches.isBusy || snapshots.native.isBusy;
  }

  async startRun(request: RunRequest): Promise<RunRecord> {
    this.#end.signal.throwIfAborted();
    await this.#parts.costs.checkRun(request);
    // Only a batch makes runs that are part of it.
    const { batch: _batch, ...own } = request;
    return await this.#parts.runs.start(own);
  }

  async writeInput(runId: string, data: Uint8Array): Promise<void> {
    await this.#parts.runs.findActive(runId)?.write(data);
  }

  async closeInput(runId: string): Promise<void> {
    await this.#parts.runs.findActive(runId)?.closeInput();
  }

  async resizeRun(runId: string, size: TerminalSize): Promise<void> {
    await this.#parts.runs.findActive(runId)?.resize(size);
  }

  async stopRun(runId: string, force: boolean): Promise<void> {
    await this.#parts.runs.findActive(runId)?.stop(force, "user");
  }

  async stopAbandonedRun(runId: string): Promise<void> {
    await this.#parts.runs.findActive(runId)?.stop(false, "disconnect");
  }

  async stopAbandonedBatch(batchId: string): Promise<void> {
    await this.#parts.batches.stop(batchId, "disconnect");
  }

  async startSession(workspaceRoot: string, target: Target): Promise<SessionRecord> {
    checkTarget(target);
    await checkWorkspaceRoot(workspaceRoot);
    const session = await this.#parts.pool.start({ workspaceRoot, target }, this.#call(), () => undefined);
    return session.record;
  }

  async destroySession(sessionId: string): Promise<void> {
    this.#logger.info(`Destroying session ${sessionId}`);
    await this.#parts.pool.destroy(sessionId, this.#call());
    await this.#parts.runs.waitForSession(sessionId);
  }

  async listRuns(): Promise<readonly RunRecord[]> {
    return this.#parts.runs.list();
  }

  async listSessions(): Promise<readonly SessionRecord[]> {
    return this.#parts.pool.list();
  }

  async readChanges(runId: string): Promise<readonly ReviewedChange[]> {
    return await this.#parts.changes.read(this.#findOwner(runId));
  }

  async applyChanges(runId: string, paths: PathSelection, overwrite: readonly string[]): Promise<ApplyResult> {
    return await this.#parts.changes.apply(this.#findOwner(runId), paths, overwrite);
  }

  async discardChanges(runId: string, paths: PathSelection): Promise<void> {
    await this.#parts.changes.discard(this.#findOwner(runId), paths);
  }

  async listChangeSets(): Promise<readonly ChangeSetRecord[]> {
    return this.#parts.changeSets.list();
  }

  listSnapshots: SnapshotEngine["listSnapshots"] = async () => this.#parts.snapshots.timeline.list();
  takeSnapshot: SnapshotEngine["takeSnapshot"] = (source, name) => this.#parts.snapshots.desk.take(source, name);
  listSnapshotFiles: SnapshotEngine["listSnapshotFiles"] = (id) => this.#parts.snapshots.desk.listFiles(id);
  diffSnapshots: SnapshotEngine["diffSnapshots"] = (from, to) => this.#parts.snapshots.desk.diff(from, to);
  updateSnapshot: SnapshotEngine["updateSnapshot"] = (id, change) => this.#parts.snapshots.timeline.update(id, change);
  deleteSnapshot: SnapshotEngine["deleteSnapshot"] = (id) => this.#parts.snapshots.remove(id);
  exportSnapshot: SnapshotEngine["exportSnapshot"] = (id, file) => this.#parts.snapshots.desk.exportTo(id, file);
  importSnapshot: SnapshotEngine["importSnapshot"] = (file, root) => this.#parts.snapshots.desk.importFrom(file, root);
  restoreWorkspace: SnapshotEngine["restoreWorkspace"] = (id, max) =>
    this.#parts.snapshots.desk.restoreWorkspace(id, max);
  restoreSession: SnapshotEngine["restoreSession"] = (id, target, sessionId) =>
    this.#parts.snapshots.desk.restoreSession(id, target, sessionId);
  forkSession: SnapshotEngine["forkSession"] = (id, target) => this.#parts.snapshots.desk.fork(id, target);
  findSecrets: SnapshotEngine["findSecrets"] = (id) => this.#parts.snapshots.desk.findSecrets(id);
  readStorage: SnapshotEngine["readStorage"] = () => this.#parts.snapshots.storage.read();
  setRetention: SnapshotEngine["setRetention"] = (policy) => this.#parts.snapshots.storage.setPolicy(policy);
  pullSession: SnapshotEngine["pullSession"] = (id) =>
    pullSession(
      { ...this.#parts.uploads, changeSets: this.#parts.changeSets, desk: this.#parts.changes },
      id,
      this.#call(),
    );
  previewUpload: SnapshotEngine["previewUpload"] = (request) =>
    previewUpload(this.#parts.uploads, request, this.#call());
  listGpus: CloudEngine["listGpus"] = (target) => this.#parts.costs.listGpus(target);
  estimateRate: CloudEngine["estimateRate"] = (target) => this.#parts.costs.estimate(target);
  readCosts: CloudEngine["readCosts"] = () => this.#parts.costs.read();
  setCostPolicy: CloudEngine["setCostPolicy"] = (policy) => this.#parts.costs.setPolicy(policy);
  setWarmPool: CloudEngine["setWarmPool"] = (size) => this.#parts.warm.setSize(size);
  startBatch: CloudEngine["startBatch"] = async (request, plan) => {
    await this.#parts.costs.checkRun(request);
    await this.#parts.costs.checkBatch(request, plan);
    // Nobody goes on with a batch's sandboxes.
    return await this.#parts.batches.start({ ...request, target: withoutAutoPause(request.target) }, plan);
  };
  stopBatch: CloudEngine["stopBatch"] = (id) => this.#parts.batches.stop(id);
  listBatches: CloudEngine["listBatches"] = async () => this.#parts.batches.list();
  listImages: CloudEngine["listImages"] = (target) => this.#parts.sandboxes.listImages(target);
  listContexts: CloudEngine["listContexts"] = (id) => this.#parts.cells.listContexts(id);
  restartContext: CloudEngine["restartContext"] = (id, contextId) => this.#parts.cells.restartContext(id, contextId);
  openPort: CloudEngine["openPort"] = (id, port) => this.#parts.sandboxes.openPort(id, port);
  saveImage: CloudEngine["saveImage"] = (id) => this.#parts.sandboxes.saveImage(id);
  pauseSession: CloudEngine["pauseSession"] = (id) => this.#parts.pauses.pause(id);
  resumeSession: CloudEngine["resumeSession"] = (id) => this.#parts.pauses.resume(id);
  allowSecrets: SnapshotEngine["allowSecrets"] = (root, prints) => allowSecrets(this.#parts.uploads, root, prints);

  async setCredential(providerId: ProviderId, credential: Credential | undefined): Promise<void> {
    this.#deps.credentials.set(providerId, credential);
    if (!credential) return;
    // What nobody could reach without it may be there to be swept, or to be found again.
    this.#startSweep();
    this.#sweep = Promise.all([this.#sweep, this.#parts.pool.reviveAll(this.#call())]).then(() => undefined);
  }

  async checkTarget(target: Target): Promise<void> {
    checkTarget(target);
    await (await this.#parts.loadProvider(target)).check(this.#call());
  }

  async dispose(): Promise<void> {
    const reason = "Sandpiper's engine was stopped.";
    this.#end.abort(new SandboxError("unavailable", reason));
    await Promise.all([this.#parts.batches.abandonAll(reason), this.#parts.runs.abandonAll(reason)]);
    await this.#parts.warm.dispose();
    await this.#sweep;
    await this.#parts.snapshots.native.settle();
    this.#parts.snapshots.savedWorkspaces.dispose();
    await this.#parts.snapshots.timeline.flush();
    await this.#parts.snapshots.storage.dispose();
    await this.#parts.pool.flush();
    await this.#parts.costs.dispose();
    this.#parts.runs.dispose();
    this.#parts.cells.dispose();
    this.#changed.dispose();
  }

  #tell(event: EngineEvent): void {
    this.#changed.fire(event);
    const { warm, costs } = this.#parts;
    if (event.type === "run") costs.onDidChangeRun(event.run);
    if (event.type !== "session") return;
    costs.onDidChangeSession(event.session);
    warm.onDidChangeSession(event.session);
  }

  #findOwner(id: string): ChangeOwner {
    return this.#parts.changeSets.find(id) ?? this.#parts.runs.find(id);
  }

  #call(): Call {
    return { signal: this.#end.signal, logger: this.#logger };
  }

  #startSweep(): void {
    // One that has yet to begin looks at whatever there is by then.
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    this.#sweep = this.#sweep.then(() => {
      this.#isSweepDue = false;
      return sweepSandboxes(this.#parts.reaper, this.#call());
    });
  }

  // What cannot be removed now will be after the next run.
  async #forgetOld(): Promise<void> {
    try {
      await this.#parts.changeSets.forgetOld();
      await this.#parts.runs.forgetOld();
      await this.#parts.batches.forgetOld();
      const users = [...this.#parts.runs.list(), ...this.#parts.snapshots.timeline.list()];
      for (const { id } of selectOldSessions(this.#parts.pool.list(), users, this.#parts.clock.now()))
        await this.#parts.pool.forget(id);
    } catch (error) {
      this.#logger.warn(`Old runs could not be removed: ${toMessage(error)}`);
    }
  }
}
