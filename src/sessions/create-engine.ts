import type { Call } from "../core/call.ts";
import { Emitter } from "../core/event.ts";
import type { Logger } from "../core/logger.ts";
import type { Provider } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { TerminalSize } from "../core/sandbox.ts";
import { createObjectStore, type ObjectStore } from "../snapshots/object-store.ts";
import type { Scanner } from "../snapshots/scanner.ts";
import type { SecretScanner } from "../snapshots/secret-scanner.ts";
import { ActiveRun, type RunDeps } from "./active-run.ts";
import { ChangeDesk, type ChangeOwner } from "./change-desk.ts";
import { ChangeSetStore } from "./change-set-store.ts";
import { checkRunRequest, checkTarget, checkWorkspaceRoot } from "./check-request.ts";
import { createAllowedSecrets } from "./allowed-secrets.ts";
import { type Clock, systemClock, toIsoTime } from "./clock.ts";
import { createEventLimiter } from "./event-limiter.ts";
import type { ApplyResult, Engine, EngineEvent, PathSelection } from "./engine.ts";
import { readInstallId } from "./install-id.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createProviderCache } from "./provider-cache.ts";
import { type ReaperDeps, settleSessions, sweepSandboxes } from "./reaper.ts";
import { pullSession } from "./pull-session.ts";
import type { ReviewedChange, RunRecord, RunRequest, SessionRecord, Target } from "./records.ts";
import { recoverRun } from "./recover-runs.ts";
import { selectOldRuns, selectOldSessions } from "./retention.ts";
import { toTitle } from "./run-command.ts";
import { DEFAULT_LOG_CAP_BYTES } from "./run-log-writer.ts";
import { createRunStore, type RunStore } from "./run-store.ts";
import { createId } from "./sandbox-spec.ts";
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
  readonly #store: ObjectStore;
  readonly #ledger: Ledger;
  readonly #runStore: RunStore;
  readonly #pool: SessionPool;
  readonly #reaper: ReaperDeps;
  readonly #changed = new Emitter<EngineEvent>();
  readonly #output = createEventLimiter<string, number>((runId, sizeBytes) =>
    this.#changed.fire({ type: "output", runId, sizeBytes }),
  );
  readonly #records = new Map<string, RunRecord>();
  readonly #active = new Map<string, ActiveRun>();
  readonly #changeSets: ChangeSetStore;
  readonly #desk: ChangeDesk;
  readonly #snapshots: Snapshots;
  readonly #uploads: UploadDeskDeps;
  readonly #loadProvider: (target: Target) => Promise<Provider>;
  readonly #end = new AbortController();
  #sweep: Promise<void> = Promise.resolve();

  readonly onDidChange = this.#changed.event;

  constructor(deps: EngineDeps, installId: string) {
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
    this.#logger = deps.logger;
    this.#store = createObjectStore(deps.state.store);
    this.#ledger = createLedger(deps.state, deps.logger);
    this.#runStore = createRunStore(deps.state, deps.logger);
    this.#loadProvider = createProviderCache(deps.loadProvider);
    const common = { ledger: this.#ledger, loadProvider: this.#loadProvider, installId, clock: this.#clock };
    this.#pool = new SessionPool({
      ...common,
      state: deps.state,
      logger: deps.logger,
      onDidChange: (session) => this.#changed.fire({ type: "session", session }),
      onDidFailToCreate: () => this.#startSweep(),
      onWillEnd: (session, cause) => this.#snapshots.keepLast(session, cause),
    });
    this.#uploads = {
      state: deps.state,
      scanner: deps.scanner,
      secrets: deps.secrets,
      store: this.#store,
      pool: this.#pool,
      allowed: createAllowedSecrets(deps.state),
      fingerprintKey: installId,
    };
    this.#reaper = { ...common, pool: this.#pool };
    this.#changeSets = new ChangeSetStore({
      state: deps.state,
      clock: this.#clock,
      logger: deps.logger,
      onDidChange: (changeSet) => this.#changed.fire({ type: "change-set", changeSet }),
    });
    this.#snapshots = createSnapshots({
      state: deps.state,
      store: this.#store,
      scanner: deps.scanner,
      clock: this.#clock,
      logger: deps.logger,
      pool: this.#pool,
      runs: this.#runStore,
      listRuns: () => this.#listRuns(),
      changeSets: this.#changeSets,
      onDidChange: (event) => this.#changed.fire(event),
      newCall: () => this.#call(),
      isShared: deps.isShared ?? false,
    });
    this.#desk = new ChangeDesk({
      state: deps.state,
      store: this.#store,
      runs: this.#runStore,
      changeSets: this.#changeSets,
      pool: this.#pool,
      listRuns: () => this.#listRuns(),
      logger: deps.logger,
      onDidDecide: async (runId, changes) => {
        const decided = { ...this.#findRecord(runId), changes };
        this.#setRecord(decided);
        await this.#runStore.save(decided);
      },
    });
  }

  async load(): Promise<void> {
    await this.#pool.load();
    await this.#changeSets.load();
    await this.#snapshots.timeline.load();
    const runs = await this.#runStore.read();
    const settle = (run: RunRecord): Promise<RunRecord> =>
      recoverRun({ state: this.#deps.state, runs: this.#runStore, clock: this.#clock, logger: this.#logger }, run);
    const settled = this.#deps.isShared ? runs : await Promise.all(runs.map(settle));
    for (const run of settled) this.#records.set(run.id, run);
    if (this.#deps.isShared) return;
    await this.#forgetOld();
    await settleSessions(this.#reaper);
    await this.#snapshots.storage.load();
    this.#startSweep();
    // A sandbox may have ended while nobody looked.
    this.#sweep = Promise.all([this.#sweep, this.#pool.reviveAll(this.#call())]).then(() => undefined);
  }

  get isBusy(): boolean {
    return this.#active.size > 0;
  }

  async startRun(request: RunRequest): Promise<RunRecord> {
    this.#end.signal.throwIfAborted();
    await checkRunRequest(request);
    const provider = await this.#loadProvider(request.target);
    const record: RunRecord = {
      version: 1,
      id: createId(this.#clock),
      title: request.title ?? toTitle(request.command),
      workspaceRoot: request.workspaceRoot,
      target: request.target,
      boundary: provider.boundary,
      command: request.command,
      origin: request.origin,
      hasPty: request.pty !== undefined || request.command.kind === "shell",
      state: "preparing",
      requestedAt: toIsoTime(this.#clock),
    };
    await this.#createRecord(record);
    this.#logger.info(
      `Run ${record.id} (${request.command.kind}) on ${request.target.providerId} for ${request.origin}`,
    );
    this.#setRecord(record);
    const run = new ActiveRun(this.#toRunDeps(), request, record);
    this.#active.set(record.id, run);
    void this.#forget(run);
    return record;
  }

  async writeInput(runId: string, data: Uint8Array): Promise<void> {
    await this.#findActive(runId)?.write(data);
  }

  async closeInput(runId: string): Promise<void> {
    await this.#findActive(runId)?.closeInput();
  }

  async resizeRun(runId: string, size: TerminalSize): Promise<void> {
    await this.#findActive(runId)?.resize(size);
  }

  async stopRun(runId: string, force: boolean): Promise<void> {
    await this.#findActive(runId)?.stop(force, "user");
  }

  async stopAbandonedRun(runId: string): Promise<void> {
    await this.#active.get(runId)?.stop(false, "disconnect");
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
    const runs = [...this.#active.values()].filter(({ record }) => record.sessionId === sessionId);
    await Promise.all(runs.map((run) => run.ended));
  }

  async listRuns(): Promise<readonly RunRecord[]> {
    return this.#listRuns();
  }

  async listSessions(): Promise<readonly SessionRecord[]> {
    return this.#pool.list();
  }

  async readChanges(runId: string): Promise<readonly ReviewedChange[]> {
    return await this.#desk.read(this.#findOwner(runId));
  }

  async applyChanges(runId: string, paths: PathSelection, overwrite: readonly string[]): Promise<ApplyResult> {
    return await this.#desk.apply(this.#findOwner(runId), paths, overwrite);
  }

  async discardChanges(runId: string, paths: PathSelection): Promise<void> {
    await this.#desk.discard(this.#findOwner(runId), paths);
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
  readStorage: SnapshotEngine["readStorage"] = () => this.#snapshots.storage.read();
  setRetention: SnapshotEngine["setRetention"] = (policy) => this.#snapshots.storage.setPolicy(policy);
  pullSession: SnapshotEngine["pullSession"] = (id) =>
    pullSession(
      { pool: this.#pool, store: this.#store, changeSets: this.#changeSets, desk: this.#desk },
      id,
      this.#call(),
    );
  previewUpload: SnapshotEngine["previewUpload"] = (request) => previewUpload(this.#uploads, request, this.#call());
  allowSecrets: SnapshotEngine["allowSecrets"] = (root, prints) => allowSecrets(this.#uploads, root, prints);

  async checkTarget(target: Target): Promise<void> {
    checkTarget(target);
    await (await this.#loadProvider(target)).check(this.#call());
  }

  async dispose(): Promise<void> {
    const reason = "Sandpiper's engine was stopped.";
    this.#end.abort(new SandboxError("unavailable", reason));
    await Promise.all([...this.#active.values()].map((run) => run.abandon(reason)));
    await this.#sweep;
    await this.#snapshots.timeline.flush();
    await this.#snapshots.storage.dispose();
    await this.#pool.flush();
    this.#output.dispose();
    this.#changed.dispose();
  }

  #toRunDeps(): RunDeps {
    return {
      state: this.#deps.state,
      scanner: this.#deps.scanner,
      store: this.#store,
      pool: this.#pool,
      uploads: this.#uploads,
      timeline: this.#snapshots.timeline,
      runs: this.#runStore,
      clock: this.#clock,
      logger: this.#logger,
      logCapBytes: this.#deps.logCapBytes ?? DEFAULT_LOG_CAP_BYTES,
      onDidChange: (record) => this.#setRecord(record),
      onDidGrow: (runId, sizeBytes) => this.#output.fire(runId, sizeBytes),
    };
  }

  async #createRecord(record: RunRecord): Promise<void> {
    try {
      await this.#runStore.create(record);
    } catch (cause) {
      const message = `The run cannot be recorded in ${this.#deps.state.runs}: ${toMessage(cause)}. Make room there and run again.`;
      throw new SandboxError("unavailable", message, { cause });
    }
  }

  #setRecord(run: RunRecord): void {
    // Whoever hears that a run has ended may rely on having heard of all its output.
    if (run.state === "ended") this.#output.flush(run.id);
    this.#records.set(run.id, run);
    this.#changed.fire({ type: "run", run });
  }

  #listRuns(): readonly RunRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  #findRecord(runId: string): RunRecord {
    const record = this.#records.get(runId);
    if (!record) throw new SandboxError("not-found", "There is no run with that id.");
    return record;
  }

  #findOwner(id: string): ChangeOwner {
    return this.#changeSets.find(id) ?? this.#findRecord(id);
  }

  #findActive(runId: string): ActiveRun | undefined {
    this.#findRecord(runId);
    return this.#active.get(runId);
  }

  async #forget(run: ActiveRun): Promise<void> {
    await run.ended;
    this.#active.delete(run.record.id);
    await this.#forgetOld().catch((error: unknown) =>
      this.#logger.warn(`Old runs could not be removed: ${toMessage(error)}`),
    );
  }

  #call(): Call {
    return { signal: this.#end.signal, logger: this.#logger };
  }

  #startSweep(): void {
    this.#sweep = this.#sweep.then(() => sweepSandboxes(this.#reaper, this.#call()));
  }

  async #forgetOld(): Promise<void> {
    await this.#changeSets.forgetOld();
    const now = this.#clock.now();
    for (const { id } of selectOldRuns(this.#listRuns(), now)) {
      this.#records.delete(id);
      await this.#runStore.remove(id);
    }
    const snapshots = this.#snapshots.timeline.list();
    for (const { id } of selectOldSessions(this.#pool.list(), [...this.#listRuns(), ...snapshots], now))
      await this.#pool.forget(id);
  }
}
