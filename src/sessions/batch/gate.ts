import type { Call } from "../../core/call.ts";
import type { Logger } from "../../core/logger.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Clock, Timer } from "../clock.ts";
import { createDeferred, type Deferred } from "../deferred.ts";
import { withAbort } from "../lock.ts";
import { Limit } from "./limit.ts";

/** What letting sandboxes through is decided by. */
export interface GateDeps {
  readonly clock: Clock;
  /** How many more the provider is known to allow now, without those that this gate let through. */
  readonly countRoom: () => number;
  readonly logger: Logger;
}

// Each is a call to the provider and an upload.
const MOST_AT_ONCE = 32;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** How long to go on asking when none of ours is there that could make room. */
const GIVE_UP_MS = 10 * 60_000;

/**
 * Lets a batch's sandboxes through to the provider: never more than it is known to allow, and fewer and later when it says
 * that it is full (errors `quota` and `capacity`).
 */
export class Gate {
  readonly #deps: GateDeps;
  readonly #limit = new Limit(MOST_AT_ONCE);
  readonly #inside = new Set<string>();
  #waitMs = FIRST_WAIT_MS;
  #opening: { readonly opened: Deferred<void>; readonly timer: Timer } | undefined;
  /** Waited for since one of ours was last there. */
  #waitedMs = 0;

  constructor(deps: GateDeps) {
    this.#deps = deps;
  }

  /**
   * Makes a sandbox when there is room for it; `key` counts as inside until it has left. @throws what `create` does; the
   * provider's refusal only when it goes on for long while none of ours is there
   */
  async admit<T>(key: string, create: () => Promise<T>, call: Call): Promise<T> {
    for (;;) {
      // Whoever was refused comes after those that have yet to ask.
      const made = await this.#limit.run(() => this.#ask(key, create, call.signal), call.signal);
      if (made) return made.value;
    }
  }

  leave(key: string): void {
    if (this.#inside.delete(key)) this.#open();
  }

  async #ask<T>(
    key: string,
    create: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ readonly value: T } | undefined> {
    await this.#waitToOpen(signal);
    const answer = this.#enter(key) ?? (await this.#attempt(key, create));
    if (!(answer instanceof SandboxError)) return answer;
    this.#close(answer);
    return undefined;
  }

  #enter(key: string): SandboxError | undefined {
    // One whose sandbox was lost at once asks for another in its place.
    this.#inside.delete(key);
    if (this.#inside.size >= this.#deps.countRoom())
      return new SandboxError("quota", "The provider's limit of sandboxes is used up. Destroy sessions, or wait.");
    this.#inside.add(key);
    return undefined;
  }

  async #attempt<T>(key: string, create: () => Promise<T>): Promise<SandboxError | { readonly value: T }> {
    try {
      const value = await create();
      this.#waitMs = FIRST_WAIT_MS;
      this.#waitedMs = 0;
      this.#limit.setWidth(Math.min(MOST_AT_ONCE, this.#limit.width * 2));
      return { value };
    } catch (error) {
      this.#inside.delete(key);
      if (error instanceof SandboxError && isFull(error)) return error;
      throw error;
    }
  }

  #close(refusal: SandboxError): void {
    if (this.#opening) return;
    if (this.#inside.size > 0) this.#waitedMs = 0;
    if (this.#waitedMs >= GIVE_UP_MS) throw refusal;
    const waitMs = this.#waitMs;
    this.#waitedMs += waitMs;
    this.#waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
    // One asks first; all that go on asking would be refused.
    this.#limit.setWidth(1);
    this.#deps.logger.info(`A batch waits ${waitMs / 1000} s: ${refusal.message}`);
    const opened = createDeferred<void>();
    const timer = this.#deps.clock.after(waitMs, () => this.#open());
    this.#opening = { opened, timer };
  }

  #open(): void {
    this.#opening?.timer.dispose();
    this.#opening?.opened.resolve();
    this.#opening = undefined;
  }

  async #waitToOpen(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#opening) await withAbort(this.#opening.opened.promise, signal);
  }
}

function isFull({ code }: SandboxError): boolean {
  return code === "quota" || code === "capacity";
}
