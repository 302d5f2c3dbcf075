import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { isConnectionError, readStatus } from "./to-sandbox-error.ts";

const MOST_ATTEMPTS = 3;
const FIRST_PAUSE_MS = 500;
/** Whoever has waited that long within one attempt has waited as long as the server asked for: the SDK does that by itself. */
const HAS_WAITED_MS = 950;

/** How to ask again. */
interface RetryOptions {
  /** Called before each repetition, for what a lost answer may have left; its failure ends the attempts. */
  readonly beforeRetry?: (failure: unknown) => Promise<void>;
  /** Before the first repetition, twice that before the second. */
  readonly pauseMs?: number;
}

/**
 * Does what may be done again: creating, listing and reading, never running a command. Only what passes by itself is tried
 * again (429, 503, no connection), at most twice, a second and a half in all.
 */
export async function withRetries<T>(
  call: Call,
  work: () => Promise<T>,
  { beforeRetry, pauseMs = FIRST_PAUSE_MS }: RetryOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const startedAt = performance.now();
    try {
      return await work();
    } catch (error) {
      const tookMs = performance.now() - startedAt;
      if (attempt === MOST_ATTEMPTS || call.signal.aborted || !isPassing(error, tookMs)) throw error;
      const isClean = await prepare(beforeRetry, error);
      if (!isClean) throw error;
      // By its name alone, which can hold no secret.
      call.logger.debug(`E2B is asked again after a failure: ${error instanceof Error ? error.name : "unknown"}`);
      await delay(pauseMs * 2 ** (attempt - 1), undefined, { signal: call.signal });
    }
  }
}

async function prepare(beforeRetry: RetryOptions["beforeRetry"], error: unknown): Promise<boolean> {
  try {
    await beforeRetry?.(error);
    return true;
  } catch {
    return false;
  }
}

function isPassing(error: unknown, tookMs: number): boolean {
  if (!(error instanceof Error) || error instanceof SandboxError) return false;
  if (error.name === "RateLimitError" || readStatus(error) === 429)
    return tookMs < HAS_WAITED_MS && !/concurrent|maximum number/i.test(error.message);
  return error.name === "ServiceBusyError" || readStatus(error) === 503 || isConnectionError(error);
}
