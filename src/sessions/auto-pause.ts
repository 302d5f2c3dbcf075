import type { Call } from "../core/call.ts";
import type { Provider } from "../core/provider.ts";
import type { SavedState } from "../core/sandbox.ts";
import type { Clock } from "./clock.ts";
import { createDeferred } from "./deferred.ts";
import { withAbort } from "./lock.ts";
import type { SessionRecord, Target } from "./records.ts";

/** Pausing takes its time, longer the more memory there is. */
const ATTEMPTS_MS = [0, 3_000, 10_000, 30_000];
// What goes on just before the end may find the sandbox paused already.
const NEAR_END_MS = 10_000;

/** Whether the session's sandbox pauses by itself, for somebody to go on with, when its time is up. */
export function pausesItself({ target, isWarm, isDetached, batchId }: SessionRecord): boolean {
  const isForNobody = isWarm === true || isDetached === true || batchId !== undefined;
  return asksForAutoPause(target) && !isForNobody;
}

/** Whether such sandboxes do not end by themselves. */
export function asksForAutoPause({ options }: Target): boolean {
  return options["autoPause"] === "true";
}

/** The same target for sandboxes that nobody will go on with. */
export function withoutAutoPause(target: Target): Target {
  if (!asksForAutoPause(target)) return target;
  const { autoPause: _autoPause, ...options } = target.options;
  return { ...target, options };
}

/**
 * What to go on by with a sandbox that is not running any more; undefined when it did not pause. Near its end it may be
 * pausing still: then this waits. @throws {SandboxError} when the provider cannot be asked
 */
export async function findAutoPaused(
  { provider, clock }: { readonly provider: Provider; readonly clock: Clock },
  { sandboxId, expiresAt }: SessionRecord,
  call: Call,
): Promise<SavedState | undefined> {
  if (sandboxId === undefined) return undefined;
  const isNearEnd = Date.parse(expiresAt) - clock.now() < NEAR_END_MS;
  for (const delayMs of isNearEnd ? ATTEMPTS_MS : [0]) {
    if (delayMs > 0) await wait(clock, delayMs, call.signal);
    const saved = await provider.findPaused?.(sandboxId, call);
    if (saved) return saved;
  }
  return undefined;
}

async function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = createDeferred<void>();
  const timer = clock.after(delayMs, () => resolve());
  try {
    await withAbort(promise, signal);
  } finally {
    timer.dispose();
  }
}
