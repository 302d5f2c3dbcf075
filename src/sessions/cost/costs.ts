import { join } from "node:path";
import type { Call } from "../../core/call.ts";
import type { Logger } from "../../core/logger.ts";
import type { GpuTier, Provider } from "../../core/provider.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import { type Clock, type Timer, toIsoTime } from "../clock.ts";
import type { CostPolicy, CostReport, GpuOffer, Rate } from "../cloud-records.ts";
import type { EngineEvent } from "../engine.ts";
import type { RunRecord, SessionRecord, Target } from "../records.ts";
import type { RunDesk } from "../run-desk.ts";
import type { SessionPool } from "../session-pool.ts";
import type { StateFolder } from "../state-folder.ts";
import { checkBudget, describeDayOver, describeRunOver, toDuration } from "./budget.ts";
import { CostBook } from "./cost-book.ts";
import { checkPolicy, NO_LIMIT, readCostPolicy, writeCostPolicy } from "./cost-policy.ts";
import { CostMeter } from "./cost-meter.ts";
import { findBudgetEnd } from "./run-cost.ts";
import { isFree, toRate } from "./rate.ts";
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

/** What sandboxes cost, have cost and may cost. Ends those that pass a budget, after a snapshot. */
export class Costs {
  readonly #deps: CostsDeps;
  readonly #book: CostBook;
  readonly #meter: CostMeter;
  readonly #runTimers = new Map<string, Timer>();
  #dayTimer: Timer | undefined;
  #telling: Timer | undefined;
  #policy = NO_LIMIT;

  constructor(deps: CostsDeps) {
    this.#deps = deps;
    this.#book = new CostBook(join(deps.state.root, "costs"), deps.logger);
    this.#meter = new CostMeter(this.#book, deps.clock);
  }

  /** Takes over what an earlier engine left; the pool has been loaded. */
  async load(): Promise<void> {
    const now = this.#deps.clock.now();
    const at = new Date(now);
    const lastMonthMs = new Date(at.getFullYear(), at.getMonth() - 1, 1).getTime();
    await this.#book.load([toMonth(toDay(lastMonthMs)), toMonth(toDay(now))]);
    this.#policy = await readCostPolicy(this.#policyFile, this.#deps.logger);
    for (const record of this.#deps.pool.list()) this.#meter.takeOver(record, lastMonthMs);
    this.#watchDay();
  }

  async listGpus(target: Target): Promise<readonly GpuOffer[]> {
    const provider = await this.#deps.loadProvider(target);
    const tiers = await provider.gpuTiers(this.#deps.newCall());
    return tiers.map((tier) => this.#toOffer(target, tier));
  }

  async estimate(target: Target): Promise<Rate | undefined> {
    return toRate(target, target.gpu, this.#policy.prices);
  }

  async read(): Promise<CostReport> {
    return this.#report();
  }

  async setPolicy(policy: CostPolicy): Promise<void> {
    checkPolicy(policy);
    this.#policy = policy;
    await writeCostPolicy(this.#policyFile, policy);
    for (const run of this.#deps.runs.listActive()) this.onDidChangeRun(run);
    this.#watchDay();
    this.#tell();
  }

  /** What a sandbox that is about to be created will cost. @throws {SandboxError} `blocked` when a budget forbids it */
  admit(target: Target, gpu: string | undefined): Rate | undefined {
    if (isFree(target.providerId)) return undefined;
    const rate = toRate(target, gpu, this.#policy.prices);
    checkBudget(rate, gpu ?? "such a sandbox", { todayUsd: this.#todayUsd, policy: this.#policy });
    return rate;
  }

  /** Called with each session's record that is new or has changed. */
  onDidChangeSession(record: SessionRecord): void {
    if (!this.#meter.note(record)) return;
    this.#watchDay();
    this.#tell();
  }

  /** Called with each run's record that is new or has changed. */
  onDidChangeRun(run: RunRecord): void {
    this.#runTimers.get(run.id)?.dispose();
    this.#runTimers.delete(run.id);
    const { rate } = this.#deps.pool.find(run.sessionId ?? "") ?? {};
    const end = findBudgetEnd(run, rate, this.#policy);
    if (!end) return;
    const { clock } = this.#deps;
    const onOver = (): void => void this.#end([run.sessionId ?? ""], describeRunOver(end.budgetUsd));
    this.#runTimers.set(run.id, clock.after(end.atMs - clock.now(), onOver));
  }

  /** What has ended is on disk when this resolves. */
  async dispose(): Promise<void> {
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

  #toOffer(target: Target, tier: GpuTier): GpuOffer {
    const rate = toRate(target, tier.id, this.#policy.prices);
    return { tier, ...(rate ? { rate } : {}), ...this.#whyDisabled(target, tier.id) };
  }

  #whyDisabled(target: Target, gpu: string): Pick<GpuOffer, "disabledBecause"> {
    try {
      this.admit(target, gpu);
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
    if (perDayUsd === 0 || usdPerHour === 0) return;
    const now = this.#deps.clock.now();
    const restUsd = perDayUsd - this.#todayUsd;
    const untilMs = Math.min(toDuration(usdPerHour, Math.max(0, restUsd)), nextMidnight(now) - now);
    this.#dayTimer = this.#deps.clock.after(untilMs, () => this.#checkDay());
  }

  #checkDay(): void {
    const { perDayUsd } = this.#policy;
    const todayUsd = this.#todayUsd;
    // Rounding must not keep what has no money left alive for another turn.
    if (todayUsd < perDayUsd - 1e-6) return this.#watchDay();
    const priced = this.#meter.listRunning().filter(({ rate }) => (rate?.usdPerHour ?? 0) > 0);
    void this.#end(
      priced.map(({ id }) => id),
      `${describeDayOver(todayUsd, perDayUsd)} The sandbox was ended; what it held is in a snapshot.`,
    );
  }

  async #end(sessionIds: readonly string[], message: string): Promise<void> {
    const { pool, logger, newCall } = this.#deps;
    const runs = this.#deps.runs.listActive().filter(({ sessionId = "" }) => sessionIds.includes(sessionId));
    for (const { id } of runs) this.#deps.runs.findActive(id)?.exceed(message);
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
