import type { Logger } from "./logger.ts";

/** What every call that leaves the process carries. An aborted `signal` makes the call reject with `signal.reason`. */
export interface Call {
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/**
 * Gives cleaning up its own deadline: the caller's signal may be what failed.
 * @param timeoutMs how long the clean-up may take
 */
export function toCleanupCall(call: Call, timeoutMs = 15_000): Call {
  return { signal: AbortSignal.timeout(timeoutMs), logger: call.logger };
}
