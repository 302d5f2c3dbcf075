import { setImmediate } from "node:timers/promises";

/** Work that goes on while nobody waits for anything, one task after the other. */
export interface Background {
  /** What fails has nobody to tell. A task is to end soon once somebody `isWaiting` for that. */
  start(task: (isWaiting: () => boolean) => Promise<void>): void;
  /** Acts when the task that goes on has ended. Tasks that have not started are left out. */
  pause<T>(act: () => Promise<T>): Promise<T>;
  /** Resolves when there is nothing left to do. */
  rest(): Promise<void>;
}

/** Makes one without work. */
export function createBackground(): Background {
  let last: Promise<void> = Promise.resolve();
  let pauses = 0;
  return {
    start(task) {
      const run = async (): Promise<void> => {
        // Whoever started it has an answer to give first.
        await setImmediate();
        if (pauses === 0) await task(() => pauses > 0);
      };
      last = last.then(run).catch(() => {});
    },
    async pause(act) {
      pauses++;
      try {
        await last;
        return await act();
      } finally {
        pauses--;
      }
    },
    rest: () => last,
  };
}
