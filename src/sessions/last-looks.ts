import type { Clock, Timer } from "./clock.ts";

const MAX_LAST_MS = 5 * 60_000;
const MIN_LAST_MS = 60_000;
// A look that begins later than this before the end would not be over in time.
const LATEST_MS = 15_000;

/** A sandbox that will end by itself. */
export interface LastLooks {
  readonly expiresAtMs: number;
  readonly lifetimeMs: number;
  /** Called shortly before the end, and again whenever half of the rest has gone by, for what runs still change. */
  readonly onLook: () => void;
}

/**
 * Calls for looks at what a sandbox holds before it ends by itself: a tenth of its life before, 5 minutes at most. Disposing
 * of the result calls off those that are yet to come.
 */
export function scheduleLastLooks(clock: Clock, { expiresAtMs, lifetimeMs, onLook }: LastLooks): Timer {
  let timer: Timer | undefined;
  const firstMs = Math.min(MAX_LAST_MS, Math.max(MIN_LAST_MS, lifetimeMs / 10), lifetimeMs / 2);
  const schedule = (beforeEndMs: number): void => {
    timer = clock.after(expiresAtMs - beforeEndMs - clock.now(), () => {
      if (beforeEndMs / 2 >= LATEST_MS) schedule(beforeEndMs / 2);
      onLook();
    });
  };
  // One that was found late is looked at when its turn comes next.
  const restMs = expiresAtMs - clock.now();
  if (restMs > 0) schedule(Math.min(firstMs, restMs));
  return { dispose: () => timer?.dispose() };
}
