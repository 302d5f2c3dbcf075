import type { Clock, Timer } from "./clock.ts";
import { scheduleLastLooks } from "./last-looks.ts";
import type { LiveSession } from "./live-session.ts";

/** What happens to sessions by the clock. */
export interface SessionTimersDeps {
  readonly clock: Clock;
  /** The sandbox's time is up. */
  readonly onExpire: (sessionId: string) => void;
  /** The sandbox ends soon: time to look at what it holds. */
  readonly onLook: (session: LiveSession) => void;
}

/** Watches the time of the sandboxes that an engine holds. */
export class SessionTimers {
  readonly #deps: SessionTimersDeps;
  readonly #timers = new Map<string, readonly Timer[]>();

  constructor(deps: SessionTimersDeps) {
    this.#deps = deps;
  }

  watch(session: LiveSession): void {
    const { clock, onExpire } = this.#deps;
    const { id, target, batchId } = session.record;
    const expiresAtMs = session.sandbox.expiresAt.getTime();
    const expiring = clock.after(expiresAtMs - clock.now(), () => onExpire(id));
    // Of a batch's nothing is kept.
    if (batchId !== undefined) return void this.#timers.set(id, [expiring]);
    const onLook = (): void => this.#deps.onLook(session);
    const looks = scheduleLastLooks(clock, { expiresAtMs, lifetimeMs: target.lifetimeMs, onLook });
    this.#timers.set(id, [expiring, looks]);
  }

  /** They hold on to all that is known of the sandbox. */
  forget(sessionId: string): void {
    for (const timer of this.#timers.get(sessionId) ?? []) timer.dispose();
    this.#timers.delete(sessionId);
  }
}
