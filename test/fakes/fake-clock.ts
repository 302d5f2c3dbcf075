import type { Clock, Timer } from "../../src/sessions/clock.ts";

/** Time that moves only when a test says so. */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ readonly at: number; readonly action: () => void }>();

  constructor(now = Date.parse("2026-01-01T00:00:00Z")) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, action: () => void): Timer {
    const timer = { at: this.#now + delayMs, action };
    this.#timers.add(timer);
    return { dispose: () => void this.#timers.delete(timer) };
  }

  /** Moves time on and calls what is due, in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#findDue(end); next; next = this.#findDue(end)) {
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.action();
    }
    this.#now = end;
  }

  #findDue(end: number): { readonly at: number; readonly action: () => void } | undefined {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}
