import type { Intervals, SandboxState } from "./messages.ts";

/** What happens by itself. */
export interface Endings {
  readonly stop: () => void;
  readonly pause: () => void;
  readonly archive: () => void;
  readonly destroy: () => void;
}

/** A timer fires at once when it is to wait for longer. */
const MOST_MS = 2 ** 31 - 1;

/**
 * Lets a sandbox stop when no client has called for its interval, be archived and deleted when it has been stopped for
 * theirs, and be destroyed when its time is up. A command that runs is no activity.
 */
export class Lifetimes {
  readonly #minuteMs: number;
  readonly #endings: Endings;
  #intervals: Intervals;
  #state: SandboxState = "creating";
  #idle: NodeJS.Timeout[] = [];
  #ttl: NodeJS.Timeout | undefined;
  #destroyAt: Date | undefined;

  /** A minute of the intervals lasts `minuteMs`. */
  constructor(minuteMs: number, intervals: Intervals, endings: Endings) {
    this.#minuteMs = minuteMs;
    this.#intervals = intervals;
    this.#endings = endings;
    this.setTtl(intervals.ttl);
  }

  get intervals(): Intervals {
    return this.#intervals;
  }

  /** Undefined without a time to live. */
  get destroyAt(): Date | undefined {
    return this.#destroyAt;
  }

  /** A client has called. */
  touch(): void {
    this.#watch();
  }

  set(intervals: Partial<Intervals>): void {
    this.#intervals = { ...this.#intervals, ...intervals };
    this.#watch();
  }

  /** Counts from now on, whatever the sandbox's state; 0 is for good. */
  setTtl(minutes: number): void {
    clearTimeout(this.#ttl);
    this.#intervals = { ...this.#intervals, ttl: minutes };
    this.#destroyAt = minutes > 0 ? new Date(Date.now() + minutes * this.#minuteMs) : undefined;
    if (minutes > 0) this.#ttl = setTimeout(this.#endings.destroy, Math.min(minutes * this.#minuteMs, MOST_MS));
  }

  enter(state: SandboxState): void {
    this.#state = state;
    this.#watch();
    if (state === "destroyed") clearTimeout(this.#ttl);
  }

  #watch(): void {
    this.#idle.forEach(clearTimeout);
    const { autoStop, autoPause, autoArchive, autoDelete } = this.#intervals;
    const { stop, pause, archive, destroy } = this.#endings;
    if (this.#state === "started") this.#idle = [this.#after(autoStop, stop), this.#after(autoPause, pause)].flat();
    else if (this.#state === "stopped") {
      this.#idle = [this.#after(autoArchive, archive), this.#after(autoDelete, destroy)].flat();
    } else this.#idle = this.#state === "archived" ? this.#after(autoDelete, destroy) : [];
  }

  #after(minutes: number, act: () => void): NodeJS.Timeout[] {
    const ms = minutes * this.#minuteMs;
    return minutes > 0 && ms <= MOST_MS ? [setTimeout(act, ms)] : [];
  }
}
