import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../../core/call.ts";
import { abortable } from "../abortable.ts";
import { readStatus } from "./to-sandbox-error.ts";

const MOST_ATTEMPTS = 3;
const FIRST_PAUSE_MS = 300;
/** Longer than this and the user hears of it. */
const LONGEST_PAUSE_MS = 20_000;
const PASSING = new Set([429, 500, 502, 503, 504]);

/**
 * Asks Daytona's API again where that can help; its SDK does so only when it could not connect. Only for calls that may be
 * made twice: reading, listing, deleting, and creating under a name that can exist once. Never for commands.
 */
export async function withRetries<T>(call: Call, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await abortable(ask(), call.signal);
    } catch (error) {
      call.signal.throwIfAborted();
      const pauseMs = toPauseMs(error, attempt);
      if (pauseMs === undefined) throw error;
      call.logger.debug(`Daytona answered with ${readStatus(error)}; asking again in ${pauseMs} ms.`);
      await delay(pauseMs, undefined, { signal: call.signal }).catch(() => call.signal.throwIfAborted());
    }
}

/** Undefined when it is of no use. */
function toPauseMs(error: unknown, attempt: number): number | undefined {
  if (attempt >= MOST_ATTEMPTS || !PASSING.has(readStatus(error))) return undefined;
  const asked = readRetryAfterMs(error);
  const pauseMs = asked ?? FIRST_PAUSE_MS * 2 ** (attempt - 1);
  return pauseMs <= LONGEST_PAUSE_MS ? pauseMs : undefined;
}

/** `Retry-After`, or Daytona's own with the limit's name behind it (https://www.daytona.io/docs/en/limits), in whole seconds. */
function readRetryAfterMs(error: unknown): number | undefined {
  const headers = error instanceof Error && "headers" in error ? error.headers : undefined;
  if (typeof headers !== "object" || headers === null) return undefined;
  const [, value] = Object.entries(headers).find(([name]) => /^retry-after(?:-|$)/i.test(name)) ?? [];
  const seconds = Number(value);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
