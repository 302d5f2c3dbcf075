/** Anything with an end. Asynchronous ends are awaited. */
export interface Disposable {
  dispose(): void | Promise<void>;
}

/** Owns what was created, and ends it last-in first-out. Adding after disposal disposes at once. */
export class DisposableStore implements Disposable {
  #items: Disposable[] = [];
  #disposed = false;

  add<D extends Disposable>(item: D): D {
    if (this.#disposed) void item.dispose();
    else this.#items.push(item);
    return item;
  }

  /** Ends every item even when some fail. @throws AggregateError of all failures, when there were any. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const failures: unknown[] = [];
    for (let item = this.#items.pop(); item; item = this.#items.pop()) {
      try {
        await item.dispose();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "Some resources could not be released.");
  }
}
