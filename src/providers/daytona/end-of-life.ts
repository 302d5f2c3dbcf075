import type { Call } from "../../core/call.ts";
import { silentLogger } from "../../core/logger.ts";

const END_TIMEOUT_MS = 30_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Ends a sandbox when its time is up, unless `over` is aborted before: Daytona does that by itself, but counts in whole
 * minutes. Keeps no process alive.
 */
export function scheduleEnd(expiresAt: Date, over: AbortSignal, end: (call: Call) => Promise<void>): void {
  const timeoutMs = Math.min(Math.max(0, expiresAt.getTime() - Date.now()), LONGEST_TIMER_MS);
  const onTime = (): void => {
    // Daytona's own clock is the one to rely on when this fails.
    void end({ signal: AbortSignal.timeout(END_TIMEOUT_MS), logger: silentLogger }).catch(() => {});
  };
  const timer = setTimeout(onTime, timeoutMs);
  timer.unref();
  over.addEventListener("abort", () => clearTimeout(timer), { once: true });
}
