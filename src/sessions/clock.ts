/** Something that will happen unless it is called off. */
export interface Timer {
  dispose(): void;
}

/** Time as the engine sees it, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls once, later; disposing before then calls never. */
  after(delayMs: number, action: () => void): Timer;
}

// Node's timers overflow beyond this and fire at once.
const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
    return { dispose: () => clearTimeout(timer) };
  },
};

/** The time as records hold it. */
export function toIsoTime(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
