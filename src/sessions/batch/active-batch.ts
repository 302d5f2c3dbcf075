import type { ErrorCode } from "../../core/sandbox-error.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import { type Clock, type Timer, toIsoTime } from "../clock.ts";
import type { BatchRecord } from "../cloud-records.ts";
import type { RunRecord, RunRequest } from "../records.ts";
import type { RunDesk } from "../run-desk.ts";
import { type BatchCounts, withEnded, withStarted } from "./batch-counts.ts";
import type { BatchSource } from "./batch-source.ts";

export type StopReason = NonNullable<RunRecord["stopReason"]>;

/** What a batch runs with. */
export interface ActiveBatchDeps {
  readonly runs: Pick<RunDesk, "start" | "waitFor" | "findActive">;
  readonly clock: Clock;
  readonly source: BatchSource;
  /** Called for each run that has ended: its sandbox is gone. */
  readonly onDidLeave: (runId: string) => void;
  /** Told at most every 250 ms, and of what matters at once. */
  readonly onDidChange: (record: BatchRecord) => void;
}

const EVENT_MS = 250;
/** What the next run would meet as well. */
const FATAL: ReadonlySet<ErrorCode> = new Set(["auth", "blocked", "invalid", "unsupported", "quota", "capacity"]);
/** So many runs in a row that never got as far as starting their command say that no other will. */
const MOST_FALSE_STARTS = 10;

/** One batch from its first run to the end of its last. */
export class ActiveBatch {
  readonly #deps: ActiveBatchDeps;
  readonly #request: RunRequest;
  readonly #active = new Set<string>();
  #record: BatchRecord;
  #nextIndex = 0;
  #falseStarts = 0;
  #stopReason: StopReason | undefined;
  #abandonReason: string | undefined;
  #timer: Timer | undefined;
  /** Never rejects. */
  readonly ended: Promise<void>;

  /** Starts at once; the record is on disk already. @param request of each of its runs, but for its place in the batch */
  constructor(deps: ActiveBatchDeps, request: RunRequest, record: BatchRecord) {
    this.#deps = deps;
    this.#request = request;
    this.#record = record;
    this.ended = this.#run();
  }

  get record(): BatchRecord {
    return this.#record;
  }

  /** Starts no more of its runs and stops those that go on; asking again kills them. Resolves when all have ended. */
  async stop(reason: StopReason): Promise<void> {
    const isForced = this.#stopReason !== undefined;
    this.#stopReason = reason;
    if (this.#record.state === "running") this.#set({ state: "stopping" });
    for (const id of this.#active) void this.#deps.runs.findActive(id)?.stop(isForced, reason);
    await this.ended;
  }

  /** Gives up because the engine ends. Its runs that are on record already are given up by whoever calls this. */
  async abandon(reason: string): Promise<void> {
    this.#abandonReason = reason;
    await this.ended;
  }

  async #run(): Promise<void> {
    const workers = Math.min(this.#record.concurrency, this.#record.count);
    await Promise.all(Array.from({ length: workers }, () => this.#work()));
    this.#timer?.dispose();
    this.#timer = undefined;
    const wasCutShort = this.#abandonReason !== undefined && this.#record.error === undefined;
    const error = wasCutShort ? { error: this.#abandonReason ?? "" } : {};
    this.#record = { ...this.#record, ...error, state: "ended", endedAt: toIsoTime(this.#deps.clock) };
  }

  async #work(): Promise<void> {
    // Whoever made it is to have it before its first run starts.
    await Promise.resolve();
    while (this.#goesOn && this.#nextIndex < this.#record.count) await this.#runOne(this.#nextIndex++);
  }

  get #goesOn(): boolean {
    return this.#record.state === "running" && this.#record.error === undefined && this.#abandonReason === undefined;
  }

  async #runOne(index: number): Promise<void> {
    const { runs, source, onDidLeave } = this.#deps;
    this.#count(withStarted(this.#record));
    let id: string;
    try {
      ({ id } = await runs.start(this.#toRequest(index), source));
    } catch (error) {
      // What cannot even be recorded.
      this.#giveUp(toMessage(error));
      this.#count({ ...this.#record, active: this.#record.active - 1, queued: this.#record.queued + 1 });
      return;
    }
    this.#active.add(id);
    // Asked for while the run was being recorded.
    if (this.#stopReason !== undefined) void runs.findActive(id)?.stop(false, this.#stopReason);
    if (this.#abandonReason !== undefined) void runs.findActive(id)?.abandon(this.#abandonReason);
    const run = await runs.waitFor(id);
    this.#active.delete(id);
    onDidLeave(id);
    this.#judge(run);
    this.#count(withEnded(this.#record, run));
  }

  #toRequest(index: number): RunRequest {
    const { id, count } = this.#record;
    const place = { SANDPIPER_INDEX: String(index), SANDPIPER_COUNT: String(count) };
    return { ...this.#request, env: { ...this.#request.env, ...place }, batch: { id, index } };
  }

  #judge(run: RunRecord): void {
    if (run.startedAt !== undefined || run.stopReason !== undefined) {
      this.#falseStarts = 0;
      return;
    }
    this.#falseStarts += 1;
    if (run.error && (FATAL.has(run.error.code) || this.#falseStarts >= MOST_FALSE_STARTS))
      this.#giveUp(run.error.message);
  }

  #giveUp(error: string): void {
    if (this.#goesOn) this.#set({ error });
  }

  #count(counts: BatchCounts): void {
    const { queued, active, succeeded, failed, costUsd } = counts;
    this.#record = { ...this.#record, queued, active, succeeded, failed, costUsd };
    this.#timer ??= this.#deps.clock.after(EVENT_MS, () => {
      this.#timer = undefined;
      this.#deps.onDidChange(this.#record);
    });
  }

  #set(change: Pick<Partial<BatchRecord>, "state" | "error">): void {
    this.#record = { ...this.#record, ...change };
    this.#deps.onDidChange(this.#record);
  }
}
