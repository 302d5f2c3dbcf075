import { join } from "node:path";
import type { Call } from "../../core/call.ts";
import type { Logger } from "../../core/logger.ts";
import type { GpuTier, Provider } from "../../core/provider.ts";
import type { Machine } from "../../core/sandbox.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { type Clock, type Timer, toIsoTime } from "../clock.ts";
import type { BatchPlan, CostPolicy, CostReport, GpuOffer, Rate } from "../cloud-records.ts";
import { createDeferred } from "../deferred.ts";
import type { EngineEvent } from "../engine.ts";
import type { RunRecord, RunRequest, SessionRecord, Target } from "../records.ts";
import type { RunDesk } from "../run-desk.ts";
import type { SessionPool } from "../session-pool.ts";
import type { StateFolder } from "../state-folder.ts";
import { checkBudget, describeDayOver, describeRunOver, toDuration, toLeadMs } from "./budget.ts";
import { CostBook } from "./cost-book.ts";
import { checkPolicy, NO_LIMIT, readCostPolicy, writeCostPolicy } from "./cost-policy.ts";
import { CostMeter } from "./cost-meter.ts";
import { findBudgetEnd } from "./run-cost.ts";
import { ImageSizes } from "./image-sizes.ts";
import { isFree, isSizedByImage, type Priced, type Size, toRate } from "./rate.ts";
import { nextMidnight, toDay, toMonth } from "./split-days.ts";

/** What knowing costs needs. */
export interface CostsDeps {
  readonly state: StateFolder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pool: SessionPool;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly newCall: () => Call;
  readonly onDidChange: (event: EngineEvent) => void;
  readonly runs: Pick<RunDesk, "listActive" | "findActive">;
}

/** Sums that change faster than this are told together. */
const TELL_AFTER_MS = 500;
const RETRY_MS = 30_000;
/** How long runs that have used up their money get to stop and to bring back what they changed. */
const STOP_MS = 30_000;
/** A machine that slept has its timers go off late: none waits longer. */
const MAX_WAIT_MS = 60_000;
const NO_PRICE =
  "What this run's sandbox costs is not known, so its budget cannot be kept. Set the price in sandpiper.prices, or take away the budget.";
const NO_SIZE =
  "What a sandbox gets from this image is not known, nor what that costs, so a budget cannot be kept. Choose an image that the provider lists (Sandbox: Choose Image…, or sandpiper images), or take away the budget.";

/** What sandboxes cost, have cost and may cost. Ends those that pass a budget, after a snapshot. */
export class Costs {
  readonly #deps: CostsDeps;
  readonly #book: CostBook;
  readonly #meter: CostMeter;
  readonly #sizes: ImageSizes;
  readonly #runTimers = new Map<string, Timer>();
  #dayTimer: Timer | undefined;
  #telling: Timer | undefined;
  #policy = NO_LIMIT;
  #policyError: SandboxError | undefined;
  /** US dollars per hour of the sessions that are being started. */
  readonly #starting = new Map<string, number>();
  #isWatching = false;

  constructor(deps: CostsDeps) {
    this.#deps = deps;
    this.#book = new CostBook(join(deps.state.root, "costs"), deps.logger);
    this.#meter = new CostMeter(this.#book, deps.clock);
    this.#sizes = new ImageSizes(deps);
  }

  /** Takes over what an earlier engine left; the pool has been loaded. */
  async load(): Promise<void> {
    const now = this.#deps.clock.now();
    const at = new Date(now);
    const lastMonthMs = new Date(at.getFullYear(), at.getMonth() - 1, 1).getTime();
    await this.#book.load([toMonth(toDay(lastMonthMs)), toMonth(toDay(now))]);
    try {
      this.#policy = await readCostPolicy(this.#policyFile);
    } catch (error) {
      this.#policyError = error instanceof SandboxError ? error : new SandboxError("blocked", toMessage(error));
      this.#deps.logger.error(toMessage(error));
    }
    for (const record of this.#deps.pool.list()) this.#meter.takeOver(record, lastMonthMs);
  }

  /** Ends what passes a day's budget from now on: once it is clear what an earlier engine left. */
  startWatch(): void {
    this.#isWatching = true;
    this.#watchDay();
  }

  /** Whether a budget has to be kept that nobody else may be looking at. */
  get isNeeded(): boolean {
    return this.#policy.perDayUsd > 0 && this.#meter.usdPerHour > 0;
  }

  async listGpus(target: Target): Promise<readonly GpuOffer[]> {
    const provider = await this.#deps.loadProvider(target);
    const tiers = await provider.gpuTiers(this.#deps.newCall());
    if (tiers.length === 0) return [];
    const why = await provider.check(this.#deps.newCall()).then(() => undefined, toMessage);
    const toOffer = async (tier: GpuTier): Promise<GpuOffer> => {
      const size = await this.#sizes.find(target, tier.id).catch(() => undefined);
      return this.#toOffer({ target, gpu: tier.id, size }, tier, why);
    };
    return await Promise.all(tiers.map(toOffer));
  }

  /** Undefined, too, when the provider cannot be asked what its image gives. */
  async estimate(target: Target): Promise<Rate | undefined> {
    const size = await this.#sizes.find(target, target.gpu).catch(() => undefined);
    return toRate({ target, gpu: target.gpu, size }, this.#policy.prices);
  }

  /** What a sandbox costs whose provider says what it got. */
  toRate(target: Target, gpu: string | undefined, machine: Machine): Rate | undefined {
    return toRate({ target, gpu, size: { diskMiB: target.diskMiB, ...machine } }, this.#policy.prices);
  }

  async read(): Promise<CostReport> {
    return this.#report();
  }

  async setPolicy(policy: CostPolicy): Promise<void> {
    checkPolicy(policy);
    this.#policy = policy;
    this.#policyError = undefined;
    await writeCostPolicy(this.#policyFile, policy);
    for (const run of this.#deps.runs.listActive()) this.onDidChangeRun(run);
    this.#watchDay();
    this.#tell();
  }

  /** What a sandbox that is about to be created will cost. @throws {SandboxError} `blocked` when a budget forbids it */
  async admit(target: Target, gpu: string | undefined, sessionId: string): Promise<Rate | undefined> {
    this.#starting.delete(sessionId);
    const rate = this.#check({ target, gpu, size: await this.#findSize(target, gpu) });
    if (rate) this.#starting.set(sessionId, rate.usdPerHour);
    return rate;
  }

  /** @throws {SandboxError} `blocked` when the run brings a budget along that could not be kept */
  async checkRun({ target, budgetUsd = 0 }: Pick<RunRequest, "target" | "budgetUsd">): Promise<void> {
    if (budgetUsd === 0 || isFree(target.providerId)) return;
    const size = await this.#sizes.find(target, target.gpu);
    if (toRate({ target, gpu: target.gpu, size }, this.#policy.prices)) return;
    throw new SandboxError("blocked", size ? NO_PRICE : NO_SIZE);
  }

  /** @throws {SandboxError} `blocked` when a budget has no room for as many runs at once as the plan has */
  async checkBatch({ target }: Pick<RunRequest, "target">, { count, concurrency = count }: BatchPlan): Promise<void> {
    const { gpu } = target;
    this.#check({ target, gpu, size: await this.#findSize(target, gpu) }, Math.min(count, concurrency));
  }

  // Where nobody has set a budget, what it got is soon enough to know.
  async #findSize(target: Target, gpu: string | undefined): Promise<Size | undefined> {
    return this.#isLimited || !isSizedByImage(target, gpu) ? await this.#sizes.find(target, gpu) : undefined;
  }

  get #isLimited(): boolean {
    return this.#policy.perDayUsd > 0 || this.#policy.perRunUsd > 0;
  }

  #check(priced: Priced, count = 1): Rate | undefined {
    const { target, gpu, size } = priced;
    if (isFree(target.providerId)) return undefined;
    if (this.#policyError) throw this.#policyError;
    if (this.#isLimited && !size) throw new SandboxError("blocked", NO_SIZE);
    const rate = toRate(priced, this.#policy.prices);
    const starting = [...this.#starting.values()].reduce((sum, usd) => sum + usd, 0);
    const usdPerHour = this.#meter.usdPerHour + starting;
    checkBudget(
      { rate, what: gpu ?? "such a sandbox", count },
      { todayUsd: this.#todayUsd, usdPerHour, policy: this.#policy },
    );
    return rate;
  }

  /** Called with each session's record that is new or has changed. */
  onDidChangeSession(record: SessionRecord): void {
    if (record.state !== "creating") this.#starting.delete(record.id);
    if (!this.#meter.note(record)) return;
    this.#watchDay();
    this.#tell();
  }

  /** Called with each run's record that is new or has changed. */
  onDidChangeRun(run: RunRecord): void {
    this.#runTimers.get(run.id)?.dispose();
    this.#runTimers.delete(run.id);
    const session = this.#deps.pool.find(run.sessionId ?? "");
    if (!session || run.state !== "running" || run.stopReason === "budget") return;
    const end = findBudgetEnd(run, session.rate, this.#policy);
    if (end) this.#watchRun(run, end);
    else if (this.#hasBudget(run) && !session.rate && !isFree(session.target.providerId)) this.#endRun(run, NO_PRICE);
  }

  #hasBudget({ budgetUsd = 0 }: RunRecord): boolean {
    return this.#policy.perRunUsd > 0 || budgetUsd > 0;
  }

  #watchRun(run: RunRecord, { atMs, budgetUsd }: { readonly atMs: number; readonly budgetUsd: number }): void {
    const { clock, runs } = this.#deps;
    const waitMs = atMs - clock.now();
    if (waitMs <= 0) return this.#endRun(run, describeRunOver(budgetUsd));
    const onTime = (): void => this.onDidChangeRun(runs.findActive(run.id)?.record ?? run);
    this.#runTimers.set(run.id, clock.after(Math.min(waitMs, MAX_WAIT_MS), onTime));
  }

  // What other runs use stays theirs.
  #endRun({ id, sessionId = "" }: RunRecord, message: string): void {
    const isShared = this.#deps.runs.listActive().some((run) => run.sessionId === sessionId && run.id !== id);
    if (!isShared) return void this.#end([sessionId], message);
    const run = this.#deps.runs.findActive(id);
    run?.exceed(message);
    void run?.stop(false, "budget");
  }

  /** What has ended is on disk when this resolves. */
  async dispose(): Promise<void> {
    this.#isWatching = false;
    for (const timer of this.#runTimers.values()) timer.dispose();
    this.#dayTimer?.dispose();
    this.#telling?.dispose();
    await this.#book.flush();
  }

  get #policyFile(): string {
    return join(this.#deps.state.root, "cost-policy.json");
  }

  get #todayUsd(): number {
    const today = toDay(this.#deps.clock.now());
    return this.#book.sum(today).usd + this.#meter.sumRunning(today);
  }

  #toOffer(priced: Priced, tier: GpuTier, why: string | undefined): GpuOffer {
    const rate = toRate(priced, this.#policy.prices);
    const disabled = why === undefined ? this.#whyDisabled(priced) : { disabledBecause: why };
    return { tier, ...(rate ? { rate } : {}), ...disabled };
  }

  #whyDisabled(priced: Priced): Pick<GpuOffer, "disabledBecause"> {
    try {
      this.#check(priced);
      return {};
    } catch (error) {
      return { disabledBecause: toMessage(error) };
    }
  }

  #report(): CostReport {
    const now = this.#deps.clock.now();
    const month = toMonth(toDay(now));
    const booked = this.#book.sum(month);
    return {
      at: toIsoTime(this.#deps.clock),
      todayUsd: this.#todayUsd,
      monthUsd: booked.usd + this.#meter.sumRunning(month),
      usdPerHour: this.#meter.usdPerHour,
      isPartial: booked.isPartial || this.#meter.listRunning().some(({ rate }) => rate === undefined),
      policy: this.#policy,
    };
  }

  #tell(): void {
    this.#telling ??= this.#deps.clock.after(TELL_AFTER_MS, () => {
      this.#telling = undefined;
      this.#deps.onDidChange({ type: "costs", costs: this.#report() });
    });
  }

  // Until the money is gone or the day is over, whichever is first.
  #watchDay(): void {
    this.#dayTimer?.dispose();
    this.#dayTimer = undefined;
    const { perDayUsd } = this.#policy;
    const { usdPerHour } = this.#meter;
    if (!this.#isWatching || perDayUsd === 0 || usdPerHour === 0) return;
    const { clock } = this.#deps;
    const untilMs = Math.min(this.#toRestMs(), nextMidnight(clock.now()) - clock.now(), MAX_WAIT_MS);
    this.#dayTimer = clock.after(Math.max(0, untilMs), () => this.#checkDay());
  }

  // Until ending has to begin; whole milliseconds, so that rounding keeps nothing alive for another turn.
  #toRestMs(): number {
    const { perDayUsd } = this.#policy;
    const { usdPerHour } = this.#meter;
    const restMs = toDuration(usdPerHour, perDayUsd - this.#todayUsd);
    return Math.floor(restMs - toLeadMs(usdPerHour, perDayUsd));
  }

  #checkDay(): void {
    const { perDayUsd } = this.#policy;
    if (this.#toRestMs() > 0) return this.#watchDay();
    const todayUsd = this.#todayUsd;
    const priced = this.#meter.listRunning().filter(({ rate }) => (rate?.usdPerHour ?? 0) > 0);
    void this.#end(
      priced.map(({ id }) => id),
      `${describeDayOver(todayUsd, perDayUsd)} The sandbox was ended; what it held is in a snapshot.`,
    );
  }

  // What they changed comes back as a change set, if they end in time.
  async #stop(records: readonly RunRecord[], message: string): Promise<void> {
    const runs = records.map(({ id }) => this.#deps.runs.findActive(id)).filter((run) => run !== undefined);
    for (const run of runs) run.exceed(message);
    const late = createDeferred<void>();
    const timer = this.#deps.clock.after(STOP_MS, () => late.resolve());
    await Promise.race([Promise.all(runs.map((run) => run.stop(false, "budget"))), late.promise]);
    timer.dispose();
  }

  async #end(sessionIds: readonly string[], message: string): Promise<void> {
    const { pool, logger, newCall } = this.#deps;
    const runs = this.#deps.runs.listActive().filter(({ sessionId = "" }) => sessionIds.includes(sessionId));
    await this.#stop(runs, message);
    const end = async (id: string): Promise<void> => {
      try {
        await pool.destroy(id, newCall(), message);
      } catch (error) {
        logger.error(`A sandbox that has passed a budget could not be ended: ${toMessage(error)}`);
      }
    };
    await Promise.all(sessionIds.map(end));
    // One that could not be ended is tried again, but not at once.
    this.#dayTimer?.dispose();
    this.#dayTimer = this.#deps.clock.after(RETRY_MS, () => this.#watchDay());
  }
}
