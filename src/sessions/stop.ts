import type { Process, ProcessSignal } from "../core/sandbox.ts";
import type { Clock } from "./clock.ts";

/** How long a command has to heed one signal before the next, stronger one. */
export const STOP_STEP_MS = 2000;

const STEPS: readonly ProcessSignal[] = ["INT", "TERM", "KILL"];

/** Ends one process with rising force; see {@link createStopper}. */
export interface Stopper {
  /** Sends INT; TERM and KILL follow at {@link STOP_STEP_MS} each while the process lives. `force` sends KILL now. Asking again goes one step further at once. */
  stop(force: boolean): void;
}

/** @param onDidFail called when even KILL had no effect for a step */
export function createStopper(process: Process, clock: Clock, onDidFail: () => void): Stopper {
  let next = 0;
  let hasEnded = false;
  let timer = clock.after(0, () => undefined);
  const watch = async (): Promise<void> => {
    await process.exit;
    hasEnded = true;
    timer.dispose();
  };
  void watch();
  const step = (): void => {
    timer.dispose();
    if (hasEnded) return;
    const signal = STEPS[next];
    if (!signal) {
      onDidFail();
      return;
    }
    next += 1;
    // What cannot be signalled is met by the next step, and by the failure after the last one.
    process.signal(signal).catch(() => undefined);
    timer = clock.after(STOP_STEP_MS, step);
  };
  return {
    stop: (force) => {
      if (force) next = Math.max(next, STEPS.length - 1);
      if (next < STEPS.length) step();
    },
  };
}
