import type { Disposable } from "./disposable-store.ts";

/** Ends a subscription, at once. */
interface Subscription extends Disposable {
  dispose(): void;
}

/** Subscribes to something that happens. */
export type Event<T> = (listener: (value: T) => void) => Subscription;

/** The firing side of an {@link Event}. Listeners are called in the order they subscribed; one that throws stops no other. */
export class Emitter<T> implements Disposable {
  #listeners = new Set<(value: T) => void>();

  readonly event: Event<T> = (listener) => {
    // A wrapper, so that the same function can subscribe twice.
    const own = (value: T): void => listener(value);
    this.#listeners.add(own);
    return {
      dispose: () => {
        this.#listeners.delete(own);
      },
    };
  };

  fire(value: T): void {
    const failures: unknown[] = [];
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(value);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0)
      queueMicrotask(() => {
        throw failures[0];
      });
  }

  dispose(): void {
    this.#listeners.clear();
  }
}
