import type { Disposable } from "../core/disposable-store.ts";

/** Does something when it is asked to, the first time at once, but never more often than allowed. */
export interface RateLimit extends Disposable {
  request(): void;
  dispose(): void;
}

/** What is asked for too early is done once, when it is time. */
export function limitRate(work: () => void, everyMs: number): RateLimit {
  let timer: NodeJS.Timeout | undefined;
  let isWanted = false;
  let isDisposed = false;
  const run = (): void => {
    isWanted = false;
    timer = setTimeout(() => {
      timer = undefined;
      if (isWanted) run();
    }, everyMs);
    work();
  };
  return {
    request: () => {
      if (isDisposed) return;
      if (timer) isWanted = true;
      else run();
    },
    dispose: () => {
      clearTimeout(timer);
      isDisposed = true;
    },
  };
}
