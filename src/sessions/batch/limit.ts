import { createDeferred, type Deferred } from "../deferred.ts";
import { withAbort } from "../lock.ts";

/** Lets at most so many tasks go on at once; the others wait, in the order they came. */
export class Limit {
  #width: number;
  #active = 0;
  readonly #waiting: Deferred<void>[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  get width(): number {
    return this.#width;
  }

  /** At least 1. What goes on goes on. */
  setWidth(width: number): void {
    this.#width = Math.max(1, width);
    this.#wake();
  }

  /** A task whose signal is aborted before its turn rejects at once with the reason and never starts. */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await task();
    } finally {
      this.#active -= 1;
      this.#wake();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#active < this.#width) {
      this.#active += 1;
      return;
    }
    const turn = createDeferred<void>();
    this.#waiting.push(turn);
    try {
      await withAbort(turn.promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(turn);
      if (at >= 0) this.#waiting.splice(at, 1);
      else this.#leave();
      throw error;
    }
  }

  // Its turn had come just before it was aborted.
  #leave(): void {
    this.#active -= 1;
    this.#wake();
  }

  #wake(): void {
    while (this.#active < this.#width) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#active += 1;
      next.resolve();
    }
  }
}
