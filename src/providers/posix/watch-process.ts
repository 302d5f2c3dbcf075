import type { Disposable } from "../../core/disposable-store.ts";

/** After an abort: how long the kill of the command may take before every command is killed, and until we stop listening. */
const ABORT_STEPS_MS = [700, 700] as const;
/** How long after its time a sandbox may still be there. */
const EXPIRY_GRACE_MS = 1500;
/** What is still on its way when a sandbox has ended may take this long. */
const END_GRACE_MS = 500;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What can end a command from outside. */
export interface WatchedProcess {
  readonly signal: AbortSignal;
  /** Aborted when we have destroyed the sandbox. */
  readonly destroyed: AbortSignal;
  /** When the sandbox ends by itself. */
  readonly expiresAt: Date;
  /** Whether the sandbox runs no more. A failure counts as no. */
  readonly hasEnded: () => Promise<boolean>;
  readonly kill: () => Promise<void>;
  readonly killAll: () => Promise<void>;
}

/** Until disposed. */
export interface ProcessWatch extends Disposable {
  /** Aborted when nothing more is to be expected of the command's streams. */
  readonly cut: AbortSignal;
  dispose(): void;
}

/**
 * Sees to it that a command ends with the abort signal, and that its streams end with the sandbox: a connection to what is
 * gone may be noticed late or never.
 */
export function watchProcess(watched: WatchedProcess): ProcessWatch {
  const { signal, destroyed, expiresAt, hasEnded, kill, killAll } = watched;
  const cutting = new AbortController();
  let abortTimer: NodeJS.Timeout | undefined;
  let endTimer: NodeJS.Timeout | undefined;
  const cut = (): void => cutting.abort();
  const onAbort = (): void => {
    void kill().catch(() => {});
    abortTimer = setTimeout(() => {
      void killAll().catch(() => {});
      abortTimer = setTimeout(cut, ABORT_STEPS_MS[1]);
    }, ABORT_STEPS_MS[0]);
  };
  const onDestroyed = (): void => {
    endTimer = setTimeout(cut, END_GRACE_MS);
  };
  const onExpiry = async (): Promise<void> => {
    if (await hasEnded().catch(() => false)) onDestroyed();
    else waitForExpiry(EXPIRY_GRACE_MS);
  };
  const waitForExpiry = (timeoutMs: number): void => {
    if (cutting.signal.aborted || isDisposed) return;
    endTimer = setTimeout(() => void onExpiry(), Math.min(timeoutMs, LONGEST_TIMER_MS));
  };
  let isDisposed = false;
  waitForExpiry(expiresAt.getTime() + EXPIRY_GRACE_MS - Date.now());
  listen(signal, onAbort);
  listen(destroyed, onDestroyed);
  return {
    cut: cutting.signal,
    dispose: () => {
      isDisposed = true;
      clearTimeout(abortTimer);
      clearTimeout(endTimer);
      signal.removeEventListener("abort", onAbort);
      destroyed.removeEventListener("abort", onDestroyed);
    },
  };
}

function listen(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
}
