import type { Call } from "../core/call.ts";
import { Emitter } from "../core/event.ts";
import type { Logger } from "../core/logger.ts";
import type { Provider } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { TerminalSize } from "../core/sandbox.ts";
import { createObjectStore } from "../snapshots/store/object-store.ts";
import type { Scanner } from "../snapshots/scan/scanner.ts";
import type { SecretScanner } from "../snapshots/secrets/secret-scanner.ts";
import { ChangeDesk, type ChangeOwner } from "./change-desk.ts";
import { ChangeSetStore } from "./change-set-store.ts";
import { checkTarget, checkWorkspaceRoot } from "./check-request.ts";
import { createAllowedSecrets } from "./allowed-secrets.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { ApplyResult, Engine, EngineEvent, PathSelection } from "./engine.ts";
import { readInstallId } from "./install-id.ts";
import { createLedger } from "./ledger.ts";
import { createProviderCache } from "./provider-cache.ts";
import { type ReaperDeps, settleSessions, sweepSandboxes } from "./reaper.ts";
import { pullSession } from "./pull-session.ts";
import type { ChangeCounts, ReviewedChange, RunRecord, RunRequest, SessionRecord, Target } from "./records.ts";
import { selectOldSessions } from "./retention.ts";
import { RunDesk } from "./run-desk.ts";
import { DEFAULT_LOG_CAP_BYTES } from "./run-log-writer.ts";
import { createRunStore } from "./run-store.ts";
import { SessionPool } from "./session-pool.ts";
import type { SnapshotEngine } from "./snapshot-engine.ts";
import type { ChangeSetRecord } from "./snapshot-records.ts";
import { allowSecrets, previewUpload, type UploadDeskDeps } from "./upload-desk.ts";
import { prepareStateFolder, type StateFolder } from "./state-folder.ts";
import { createSnapshots, type Snapshots } from "./timeline/create-snapshots.ts";

/** What an engine is made from. */
export interface EngineDeps {
  readonly state: StateFolder;
  /** Called once per target and place; what it returns is kept. */
  readonly loadProvider: (target: Target) => Promise<Provider>;
  /** Disposed by whoever made it. */
  readonly scanner: Scanner;
  /** Disposed by whoever made it. */
  readonly secrets: SecretScanner;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly logCapBytes?: number;
  /** True when another engine uses the state folder too: then nothing on record is taken for abandoned. */
  readonly isShared?: boolean;
}

/** An engine as the process that hosts it sees it. */
export interface HostedEngine extends Engine {
  /** Whether something goes on that needs this process. */
  readonly isBusy: boolean;
  /** Stops a run because the client that asked for it has gone. */
  stopAbandonedRun(runId: string): Promise<void>;
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
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #pool: SessionPool;
  readonly #reaper: ReaperDeps;
  readonly #changed = new Emitter<EngineEvent>();
  readonly #changeSets: ChangeSetStore;
  readonly #changes: ChangeDesk;
  readonly #snapshots: Snapshots;
  readonly #uploads: UploadDeskDeps;
  readonly #runs: RunDesk;
  readonly #loadProvider: (target: Target) => Promise<Provider>;
  readonly #end = new AbortController();
  #sweep: Promise<void> = Promise.resolve();

  readonly onDidChange = this.#changed.event;

  constructor(deps: EngineDeps, installId: string) {
    const { state, scanner, logger } = deps;
    const clock = deps.clock ?? systemClock;
    const ledger = createLedger(state, logger);
    const store = createObjectStore(state.store);
    const runs = createRunStore(state, logger);
    this.#deps = deps;
    this.#clock = clock;
    this.#logger = logger;
    this.#loadProvider = createProviderCache(deps.loadProvider);
    const loadProvider = this.#loadProvider;
    const onDidChange = (event: EngineEvent): void => this.#changed.fire(event);
    const listRuns = (): readonly RunRecord[] => this.#runs.list();
    const pool = new SessionPool({
      state,
      ledger,
      loadProvider,
      installId,
      clock,
      logger,
      onDidChange: (session) => onDidChange({ type: "session", session }),
      onDidFailToCreate: () => this.#startSweep(),
      onWillEnd: (session, cause) => this.#snapshots.keepLast(session, cause),
    });
    this.#pool = pool;
    this.#reaper = { ledger, loadProvider, installId, clock, pool };
    const changeSets = new ChangeSetStore({
      state,
      clock,
      logger,
      onDidChange: (changeSet) => onDidChange({ type: "change-set", changeSet }),
    });
    this.#changeSets = changeSets;
    const allowed = createAllowedSecrets(state);
    const uploads = { state, scanner, secrets: deps.secrets, store, pool, allowed, fingerprintKey: installId };
    this.#uploads = uploads;
    const isShared = deps.isShared ?? false;
    const common = { state, store, scanner, clock, logger, pool, runs, onDidChange };
    const newCall = (): Call => this.#call();
    this.#snapshots = createSnapshots({ ...common, listRuns, changeSets, uploads, newCall, isShared });
    const { timeline } = this.#snapshots;
    const logCapBytes = deps.logCapBytes ?? DEFAULT_LOG_CAP_BYTES;
    const onDidEnd = (): Promise<void> => this.#forgetOld();
    this.#runs = new RunDesk({ ...common, uploads, timeline, loadProvider, logCapBytes, onDidEnd });
    const onDidDecide = (runId: string, counts: ChangeCounts): Promise<void> => this.#runs.setChanges(runId, counts);
    this.#changes = new ChangeDesk({ state, store, runs, changeSets, pool, listRuns, logger, onDidDecide });
  }

  async load(): Promise<void> {
    const isShared = this.#deps.isShared ?? false;
    await this.#pool.load();
    await this.#changeSets.load();
    await this.#snapshots.timeline.load();
    await this.#runs.load(isShared);
    if (isShared) return;
    await this.#forgetOld();
    await settleSessions(this.#reaper);
    await this.#snapshots.storage.load();
    this.#startSweep();
    // A sandbox may have ended while nobody looked.
    this.#sweep = Promise.all([this.#sweep, this.#pool.reviveAll(this.#call())]).then(() => undefined);
  }

  get isBusy(): boolean {
    return this.#runs.isBusy;
  }

  async startRun(request: RunRequest): Promise<RunRecord> {
    this.#end.signal.throwIfAborted();
    return await this.#runs.start(request);
  }

  async writeInput(runId: string, data: Uint8Array): Promise<void> {
    await this.#runs.findActive(runId)?.write(data);
  }

  async closeInput(runId: string): Promise<void> {
    await this.#runs.findActive(runId)?.closeInput();
  }

  async resizeRun(runId: string, size: TerminalSize): Promise<void> {
    await this.#runs.findActive(runId)?.resize(size);
  }

  async stopRun(runId: string, force: boolean): Promise<void> {
    await this.#runs.findActive(runId)?.stop(force, "user");
  }

  async stopAbandonedRun(runId: string): Promise<void> {
    await this.#runs.findActive(runId)?.stop(false, "disconnect");
  }

  async startSession(workspaceRoot: string, target: Target): Promise<SessionRecord> {
    checkTarget(target);
    await checkWorkspaceRoot(workspaceRoot);
    const session = await this.#pool.start({ workspaceRoot, target }, this.#call(), () => undefined);
    return session.record;
  }

  async destroySession(sessionId: string): Promise<void> {
    this.#logger.info(`Destroying session ${sessionId}`);
    await this.#pool.destroy(sessionId, this.#call());
    await this.#runs.waitForSession(sessionId);
  }

  async listRuns(): Promise<readonly RunRecord[]> {
    return this.#runs.list();
  }

  async listSessions(): Promise<readonly SessionRecord[]> {
    return this.#pool.list();
  }

  async readChanges(runId: string): Promise<readonly ReviewedChange[]> {
    return await this.#changes.read(this.#findOwner(runId));
  }

  async applyChanges(runId: string, paths: PathSelection, overwrite: readonly string[]): Promise<ApplyResult> {
    return await this.#changes.apply(this.#findOwner(runId), paths, overwrite);
  }

  async discardChanges(runId: string, paths: PathSelection): Promise<void> {
    await this.#changes.discard(this.#findOwner(runId), paths);
  }

  async listChangeSets(): Promise<readonly ChangeSetRecord[]> {
    return this.#changeSets.list();
  }

  listSnapshots: SnapshotEngine["listSnapshots"] = async () => this.#snapshots.timeline.list();
  takeSnapshot: SnapshotEngine["takeSnapshot"] = (source, name) => this.#snapshots.desk.take(source, name);
  listSnapshotFiles: SnapshotEngine["listSnapshotFiles"] = (id) => this.#snapshots.desk.listFiles(id);
  diffSnapshots: SnapshotEngine["diffSnapshots"] = (from, to) => this.#snapshots.desk.diff(from, to);
  updateSnapshot: SnapshotEngine["updateSnapshot"] = (id, change) => this.#snapshots.timeline.update(id, change);
  deleteSnapshot: SnapshotEngine["deleteSnapshot"] = (id) => this.#snapshots.timeline.remove(id);
  exportSnapshot: SnapshotEngine["exportSnapshot"] = (id, file) => this.#snapshots.desk.exportTo(id, file);
  importSnapshot: SnapshotEngine["importSnapshot"] = (file, root) => this.#snapshots.desk.importFrom(file, root);
  restoreWorkspace: SnapshotEngine["restoreWorkspace"] = (id, max) => this.#snapshots.desk.restoreWorkspace(id, max);
  restoreSession: SnapshotEngine["restoreSession"] = (id, target, sessionId) =>
    this.#snapshots.desk.restoreSession(id, target, sessionId);
  forkSession: SnapshotEngine["forkSession"] = (id, target) => this.#snapshots.desk.fork(id, target);
  findSecrets: SnapshotEngine["findSecrets"] = (id) => this.#snapshots.desk.findSecrets(id);
  readStorage: SnapshotEngine["readStorage"] = () => this.#snapshots.storage.read();
  setRetention: SnapshotEngine["setRetention"] = (policy) => this.#snapshots.storage.setPolicy(policy);
  pullSession: SnapshotEngine["pullSession"] = (id) =>
    pullSession({ ...this.#uploads, changeSets: this.#changeSets, desk: this.#changes }, id, this.#call());
  previewUpload: SnapshotEngine["previewUpload"] = (request) => previewUpload(this.#uploads, request, this.#call());
  allowSecrets: SnapshotEngine["allowSecrets"] = (root, prints) => allowSecrets(this.#uploads, root, prints);

  async checkTarget(target: Target): Promise<void> {
    checkTarget(target);
    await (await this.#loadProvider(target)).check(this.#call());
  }

  async dispose(): Promise<void> {
    const reason = "Sandpiper's engine was stopped.";
    this.#end.abort(new SandboxError("unavailable", reason));
    await this.#runs.abandonAll(reason);
    await this.#sweep;
    await this.#snapshots.timeline.flush();
    await this.#snapshots.storage.dispose();
    await this.#pool.flush();
    this.#runs.dispose();
    this.#changed.dispose();
  }

  #findOwner(id: string): ChangeOwner {
    return this.#changeSets.find(id) ?? this.#runs.find(id);
  }

  #call(): Call {
    return { signal: this.#end.signal, logger: this.#logger };
  }

  #startSweep(): void {
    this.#sweep = this.#sweep.then(() => sweepSandboxes(this.#reaper, this.#call()));
  }

  // What cannot be removed now will be after the next run.
  async #forgetOld(): Promise<void> {
    try {
      await this.#changeSets.forgetOld();
      await this.#runs.forgetOld();
      const users = [...this.#runs.list(), ...this.#snapshots.timeline.list()];
      for (const { id } of selectOldSessions(this.#pool.list(), users, this.#clock.now())) await this.#pool.forget(id);
    } catch (error) {
      this.#logger.warn(`Old runs could not be removed: ${toMessage(error)}`);
    }
  }
}
