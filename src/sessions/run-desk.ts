import type { Provider } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import { ActiveRun, type RunDeps } from "./active-run.ts";
import type { BatchSource } from "./batch/batch-source.ts";
import { checkRunRequest } from "./check-request.ts";
import { toIsoTime } from "./clock.ts";
import type { EngineEvent } from "./engine.ts";
import { createEventLimiter } from "./event-limiter.ts";
import type { ChangeCounts, RunRecord, RunRequest, Target } from "./records.ts";
import { recoverRun } from "./recover-runs.ts";
import { selectOldRuns } from "./retention.ts";
import { toTitle } from "./run-command.ts";
import { createId } from "./sandbox-spec.ts";

/** What runs are made from. */
export interface RunDeskDeps extends Omit<RunDeps, "onDidChange" | "onDidGrow"> {
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly onDidChange: (event: EngineEvent) => void;
  /** Called after each run that is no batch's; old ones may be forgotten then. Never rejects. */
  readonly onDidEnd: () => Promise<void>;
}

/** The runs of an engine: those on record, and those that go on. */
export class RunDesk {
  readonly #deps: RunDeskDeps;
  readonly #records = new Map<string, RunRecord>();
  readonly #active = new Map<string, ActiveRun>();
  readonly #output = createEventLimiter<string, number>((runId, sizeBytes) =>
    this.#deps.onDidChange({ type: "output", runId, sizeBytes }),
  );

  constructor(deps: RunDeskDeps) {
    this.#deps = deps;
  }

  /** Takes over what is on record; those that an earlier engine left going are ended, unless another one has them. */
  async load(isShared: boolean): Promise<void> {
    const runs = await this.#deps.runs.read();
    const settled = isShared ? runs : await Promise.all(runs.map((run) => recoverRun(this.#deps, run)));
    for (const run of settled) this.#records.set(run.id, run);
  }

  get isBusy(): boolean {
    return this.#active.size > 0;
  }

  /** Newest first. */
  list(): readonly RunRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** @throws {SandboxError} `not-found` */
  find(runId: string): RunRecord {
    const record = this.#records.get(runId);
    if (!record) throw new SandboxError("not-found", "There is no run with that id.");
    return record;
  }

  /** Those that have not ended. */
  listActive(): readonly RunRecord[] {
    return [...this.#active.values()].map(({ record }) => record);
  }

  /** The run, or undefined when it has ended. @throws {SandboxError} `not-found` */
  findActive(runId: string): ActiveRun | undefined {
    this.find(runId);
    return this.#active.get(runId);
  }

  /** @param source of a run that is one of a batch */
  async start(request: RunRequest, source?: BatchSource): Promise<RunRecord> {
    await checkRunRequest(request);
    const { clock, logger, loadProvider } = this.#deps;
    const { boundary } = await loadProvider(request.target);
    const record: RunRecord = {
      version: 1,
      id: createId(clock),
      title: request.title ?? toTitle(request.command),
      workspaceRoot: request.workspaceRoot,
      target: request.target,
      boundary,
      command: request.command,
      origin: request.origin,
      hasPty: request.pty !== undefined || request.command.kind === "shell",
      state: "preparing",
      requestedAt: toIsoTime(clock),
      ...(source && request.batch ? { batch: request.batch } : {}),
      ...(request.budgetUsd === undefined ? {} : { budgetUsd: request.budgetUsd }),
    };
    await this.#createRecord(record);
    logger.info(`Run ${record.id} (${request.command.kind}) on ${request.target.providerId} for ${request.origin}`);
    this.#setRecord(record);
    const run = new ActiveRun(this.#toRunDeps(), request, record, source);
    this.#active.set(record.id, run);
    void this.#forget(run);
    return record;
  }

  /** Resolves with the run's last record once it has ended. @throws {SandboxError} `not-found` */
  async waitFor(runId: string): Promise<RunRecord> {
    await this.findActive(runId)?.ended;
    return this.find(runId);
  }

  /** Resolves when no run uses that session any more. */
  async waitForSession(sessionId: string): Promise<void> {
    const runs = [...this.#active.values()].filter(({ record }) => record.sessionId === sessionId);
    await Promise.all(runs.map((run) => run.ended));
  }

  /** Ends all of them because the engine ends. */
  async abandonAll(reason: string): Promise<void> {
    await Promise.all([...this.#active.values()].map((run) => run.abandon(reason)));
  }

  /** Records that some of a run's changes have been decided about. */
  async setChanges(runId: string, changes: ChangeCounts): Promise<void> {
    const decided = { ...this.find(runId), changes };
    this.#setRecord(decided);
    await this.#deps.runs.save(decided);
  }

  async forgetOld(): Promise<void> {
    for (const { id } of selectOldRuns(this.list(), this.#deps.clock.now())) {
      this.#records.delete(id);
      await this.#deps.runs.remove(id);
    }
  }

  dispose(): void {
    this.#output.dispose();
  }

  #toRunDeps(): RunDeps {
    return {
      ...this.#deps,
      onDidChange: (record) => this.#setRecord(record),
      onDidGrow: (runId, sizeBytes) => this.#output.fire(runId, sizeBytes),
    };
  }

  async #createRecord(record: RunRecord): Promise<void> {
    const { runs, state } = this.#deps;
    try {
      await runs.create(record);
    } catch (cause) {
      const message = `The run cannot be recorded in ${state.runs}: ${toMessage(cause)}. Make room there and run again.`;
      throw new SandboxError("unavailable", message, { cause });
    }
  }

  #setRecord(run: RunRecord): void {
    // Whoever hears that a run has ended may rely on having heard of all its output.
    if (run.state === "ended") this.#output.flush(run.id);
    this.#records.set(run.id, run);
    this.#deps.onDidChange({ type: "run", run });
  }

  async #forget(run: ActiveRun): Promise<void> {
    await run.ended;
    this.#active.delete(run.record.id);
    if (run.record.batch === undefined) await this.#deps.onDidEnd();
  }
}
