// Output that comes faster is told of in steps; the first of a burst at once.
const INTERVAL_MS = 8;

/** Passes on the latest value per key, at most one per {@link INTERVAL_MS}. */
export interface EventLimiter<K, V> {
  fire(key: K, value: V): void;
  /** Passes on now what a key still holds back. */
  flush(key: K): void;
  /** Drops what is held back. */
  dispose(): void;
}

export function createEventLimiter<K, V>(pass: (key: K, value: V) => void): EventLimiter<K, V> {
  const timers = new Map<K, NodeJS.Timeout>();
  const held = new Map<K, V>();
  const passHeld = (key: K): boolean => {
    const value = held.get(key);
    if (value === undefined) return false;
    held.delete(key);
    pass(key, value);
    return true;
  };
  const wait = (key: K): void => {
    timers.set(
      key,
      setTimeout(() => {
        timers.delete(key);
        if (passHeld(key)) wait(key);
      }, INTERVAL_MS),
    );
  };
  return {
    fire: (key, value) => {
      held.set(key, value);
      if (timers.has(key)) return;
      passHeld(key);
      wait(key);
    },
    flush: (key) => {
      clearTimeout(timers.get(key));
      timers.delete(key);
      passHeld(key);
    },
    dispose: () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      held.clear();
    },
  };
}
