import type { Clock } from "../clock.ts";
import type { SessionRecord } from "../records.ts";
import type { CostBook } from "./cost-book.ts";
import { isFree } from "./rate.ts";
import { splitDays } from "./split-days.ts";

const HOUR_MS = 3_600_000;

/** A sandbox that costs money now. */
interface Running {
  readonly record: SessionRecord;
  readonly fromMs: number;
}

/** Follows sessions, and enters what their sandboxes have cost into the book when they end or are paused. */
export class CostMeter {
  readonly #book: CostBook;
  readonly #clock: Clock;
  readonly #running = new Map<string, Running>();

  constructor(book: CostBook, clock: Clock) {
    this.#book = book;
    this.#clock = clock;
  }

  /** Those that cost something, or may, oldest first. */
  listRunning(): readonly SessionRecord[] {
    return [...this.#running.values()].map(({ record }) => record);
  }

  /** US dollars per hour of all that runs and whose price is known. */
  get usdPerHour(): number {
    return this.listRunning().reduce((sum, { rate }) => sum + (rate?.usdPerHour ?? 0), 0);
  }

  /** US dollars until now of all that runs, on the days that begin so. */
  sumRunning(prefix: string): number {
    let usd = 0;
    for (const { record, fromMs } of this.#running.values())
      for (const { day, ms } of splitDays(fromMs, this.#endOf(record)))
        if (day.startsWith(prefix)) usd += toUsd(record, ms) ?? 0;
    return usd;
  }

  /** Called with each session's record that is new or has changed. Returns whether sums are others than before. */
  note(record: SessionRecord): boolean {
    // Without a sandbox nothing was paid for.
    if (isFree(record.target.providerId) || record.sandboxId === undefined) return false;
    const known = this.#running.get(record.id);
    // One that was paused has no sandbox to be destroyed.
    const isRunning = record.state === "ready" || (record.state === "destroying" && record.pausedId === undefined);
    if (isRunning) {
      this.#running.set(record.id, { record, fromMs: known?.fromMs ?? toStart(record) });
      return known === undefined;
    }
    this.#running.delete(record.id);
    if (known)
      this.#enter(known.record, known.fromMs, Math.min(this.#endOf(record), Date.parse(known.record.expiresAt)));
    return known !== undefined;
  }

  /**
   * Takes over a session that an earlier engine left: one that ended unseen is entered once.
   * @param sinceMs from when on the book knows what was entered
   */
  takeOver(record: SessionRecord, sinceMs: number): void {
    this.note(record);
    if (record.state !== "ended" || record.sandboxId === undefined || isFree(record.target.providerId)) return;
    const toMs = this.#endOf(record);
    if (record.endedAt !== undefined && toMs >= sinceMs) this.#enter(record, toStart(record), toMs);
  }

  // One whose end nobody saw did not outlive its time.
  #endOf({ endedAt, expiresAt, state }: SessionRecord): number {
    const seen = endedAt === undefined ? this.#clock.now() : Date.parse(endedAt);
    return state === "paused" ? seen : Math.min(seen, Date.parse(expiresAt));
  }

  #enter(record: SessionRecord, fromMs: number, toMs: number): void {
    const key = `${record.id}/${fromMs}`;
    if (this.#book.has(key)) return;
    const days = splitDays(fromMs, toMs).map(({ day, ms }) => ({ day, usd: toUsd(record, ms) ?? null }));
    void this.#book.enter(key, days);
  }
}

function toStart({ meteredFrom, createdAt }: SessionRecord): number {
  return Date.parse(meteredFrom ?? createdAt);
}

function toUsd({ rate }: SessionRecord, ms: number): number | undefined {
  return rate && (rate.usdPerHour * ms) / HOUR_MS;
}
