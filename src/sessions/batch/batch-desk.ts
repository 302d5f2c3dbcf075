import { readdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Call } from "../../core/call.ts";
import type { Logger } from "../../core/logger.ts";
import type { Provider } from "../../core/provider.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { checkRunRequest } from "../check-request.ts";
import { type Clock, toIsoTime } from "../clock.ts";
import type { BatchPlan, BatchRecord } from "../cloud-records.ts";
import type { EngineEvent } from "../engine.ts";
import { toPlace } from "../provider-cache.ts";
import type { RunRequest, SessionRecord, Target } from "../records.ts";
import { toTitle } from "../run-command.ts";
import type { RunDesk } from "../run-desk.ts";
import { createId } from "../sandbox-spec.ts";
import type { SessionPool } from "../session-pool.ts";
import { ActiveBatch, type StopReason } from "./active-batch.ts";
import { countEnded, toFirstCounts } from "./batch-counts.ts";
import { createBatchSource } from "./batch-source.ts";
import { type BatchStore, createBatchStore } from "./batch-store.ts";
import { Gate } from "./gate.ts";
import { checkBatch, toSandboxLimit } from "./check-batch.ts";
import { createSharedSnapshot, type SharedSnapshot } from "./shared-snapshot.ts";
import { type BatchFiles, type BatchSnapshotDeps, takeBatchSnapshot } from "./take-batch-snapshot.ts";

/** What running batches needs. */
export interface BatchDeps extends BatchSnapshotDeps {
  readonly runs: RunDesk;
  readonly pool: SessionPool;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newCall: () => Call;
  readonly onDidChange: (event: EngineEvent) => void;
  /** Called after each batch; old runs may be forgotten then. Never rejects. */
  readonly onDidEnd: () => Promise<void>;
}

const PACK_PREFIX = "batch-";
const LOST = "Sandpiper's engine ended before all of its runs had. Run it again.";
const KEPT_MS = 24 * 60 * 60_000;

/** A batch that goes on, and when all that it needed is put away. */
interface Going {
  readonly batch: ActiveBatch;
  /** Never rejects. */
  readonly finished: Promise<void>;
}

/** What a batch is started with. */
interface Start {
  readonly request: RunRequest;
  readonly snapshot: BatchFiles;
  /** Sandboxes at once; undefined when nobody knows of a limit. */
  readonly limit: number | undefined;
}

/** Runs one command in many sandboxes. */
export class BatchDesk {
  readonly #deps: BatchDeps;
  readonly #store: BatchStore;
  readonly #records = new Map<string, BatchRecord>();
  readonly #going = new Map<string, Going>();

  constructor(deps: BatchDeps) {
    this.#deps = deps;
    this.#store = createBatchStore(deps.state.batches, deps.logger);
  }

  /** Takes over what is on record, runs being loaded; what an earlier engine left going is ended, unless another one has it. */
  async load(isShared: boolean): Promise<void> {
    for (const record of await this.#store.read()) {
      const isLost = record.state !== "ended" && !isShared;
      this.#records.set(record.id, isLost ? await this.#settle(record) : record);
    }
    if (!isShared) await this.#removePacks();
  }

  get isBusy(): boolean {
    return this.#going.size > 0;
  }

  /** Newest first. */
  list(): readonly BatchRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  async start(request: RunRequest, plan: BatchPlan): Promise<BatchRecord> {
    checkBatch(request, plan);
    await checkRunRequest(request);
    const { clock, logger, loadProvider, newCall } = this.#deps;
    const limit = toSandboxLimit(request.target, await loadProvider(request.target));
    const title = request.title ?? toTitle(request.command);
    const snapshot = await takeBatchSnapshot(
      this.#deps,
      { request, name: toSnapshotName(title, plan.count) },
      newCall(),
    );
    const record: BatchRecord = {
      version: 1,
      id: createId(clock),
      title,
      workspaceRoot: request.workspaceRoot,
      providerId: request.target.providerId,
      snapshotId: snapshot.id,
      count: plan.count,
      concurrency: toConcurrency(plan, limit),
      state: "running",
      ...toFirstCounts(plan.count),
      requestedAt: toIsoTime(clock),
    };
    try {
      await this.#store.save(record);
    } catch (cause) {
      await this.#release(record);
      throw new SandboxError(
        "unavailable",
        `The batch cannot be recorded: ${toMessage(cause)}. Make room and try again.`,
      );
    }
    logger.info(`Batch ${record.id}: ${record.count} runs on ${record.providerId}, ${record.concurrency} at once`);
    this.#begin(record, { request, snapshot, limit });
    return record;
  }

  /** @throws {SandboxError} `not-found` */
  async stop(batchId: string, reason: StopReason = "user"): Promise<void> {
    if (!this.#records.has(batchId)) throw new SandboxError("not-found", "There is no batch with that id.");
    const going = this.#going.get(batchId);
    await going?.batch.stop(reason);
    await going?.finished;
  }

  /** Starts nothing more because the engine ends. Resolves when all have ended, which their runs have to do first. */
  async abandonAll(reason: string): Promise<void> {
    await Promise.all(
      [...this.#going.values()].map(async ({ batch, finished }) => {
        await batch.abandon(reason);
        await finished;
      }),
    );
  }

  /** Forgets batches that have ended and of which no run is left. */
  async forgetOld(): Promise<void> {
    const used = new Set(this.#deps.runs.list().map(({ batch }) => batch?.id));
    const isOld = ({ requestedAt }: BatchRecord): boolean => this.#deps.clock.now() - Date.parse(requestedAt) > KEPT_MS;
    for (const record of this.list()) {
      if (record.state !== "ended" || used.has(record.id) || !isOld(record)) continue;
      this.#records.delete(record.id);
      await this.#store.remove(record.id);
    }
  }

  #begin(record: BatchRecord, { request, snapshot, limit }: Start): void {
    const { clock, logger, runs, store, state } = this.#deps;
    const packFile = join(state.cache, `${PACK_PREFIX}${record.id}.tar`);
    const shared = createSharedSnapshot({ facts: snapshot, store, packFile });
    const gate = new Gate({ clock, logger, countRoom: () => this.#countRoom(record.id, request.target, limit) });
    const { pty: _pty, ...rest } = request;
    const batch = new ActiveBatch(
      {
        runs,
        clock,
        source: createBatchSource(record.id, shared, gate),
        onDidLeave: (runId) => gate.leave(runId),
        onDidChange: (changed) => this.#set(changed),
      },
      { ...rest, overlays: [], snapshotId: record.snapshotId },
      record,
    );
    this.#set(record);
    this.#going.set(record.id, { batch, finished: this.#finish(batch, shared) });
  }

  async #finish(batch: ActiveBatch, shared: SharedSnapshot): Promise<void> {
    await batch.ended;
    const { record } = batch;
    const { logger } = this.#deps;
    try {
      await shared.dispose();
      await this.#release(record);
      await this.#store.save(record);
    } catch (error) {
      logger.warn(`The end of batch ${record.id} could not be recorded: ${toMessage(error)}`);
    }
    this.#going.delete(record.id);
    this.#set(record);
    await this.#deps.onDidEnd();
  }

  #set(record: BatchRecord): void {
    this.#records.set(record.id, record);
    this.#deps.onDidChange({ type: "batch", batch: record });
  }

  // Sessions that are no batch's, or another's, take room as well.
  #countRoom(batchId: string, target: Target, limit: number | undefined): number {
    if (limit === undefined) return Infinity;
    const place = toPlace(target);
    const others = this.#deps.pool
      .list()
      .filter((record) => hasSandbox(record) && record.batchId !== batchId && toPlace(record.target) === place);
    return limit - others.length;
  }

  async #settle(record: BatchRecord): Promise<BatchRecord> {
    const runs = this.#deps.runs.list().filter(({ batch }) => batch?.id === record.id);
    const endedAt = toIsoTime(this.#deps.clock);
    const settled: BatchRecord = { ...record, ...countEnded(record.count, runs), state: "ended", endedAt, error: LOST };
    await this.#release(record);
    await this.#store.save(settled);
    return settled;
  }

  // The snapshot is kept like any other from now on, unless somebody has given it another name.
  async #release({ snapshotId, title, count }: BatchRecord): Promise<void> {
    const { timeline, logger } = this.#deps;
    try {
      if (timeline.find(snapshotId).name === toSnapshotName(title, count))
        await timeline.update(snapshotId, { name: "" });
    } catch (error) {
      logger.debug(`The snapshot of a batch stays as it is: ${toMessage(error)}`);
    }
  }

  async #removePacks(): Promise<void> {
    const { cache } = this.#deps.state;
    const packs = (await readdir(cache)).filter((name) => name.startsWith(PACK_PREFIX));
    for (const name of packs) await rm(join(cache, name), { force: true });
  }
}

function toSnapshotName(title: string, count: number): string {
  return `Batch of ${count}: ${title}`;
}

function toConcurrency({ count, concurrency }: BatchPlan, limit: number | undefined): number {
  // Without a known limit sandboxes are this machine's.
  const wanted = concurrency ?? limit ?? availableParallelism();
  return Math.min(count, wanted, limit ?? Infinity);
}

function hasSandbox({ state }: SessionRecord): boolean {
  return state !== "ended" && state !== "paused";
}
