import { createDeferred } from "../deferred.ts";
import { withAbort } from "../lock.ts";

/** Lets one run at a time go on per name, in the order in which they asked. */
export class CellTurns {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Resolves when it is the caller's turn, with what ends that. Rejects with the signal's reason when it is aborted before.
   * @param onWait called when somebody else's turn comes first
   */
  async take(name: string, signal: AbortSignal, onWait: () => void): Promise<() => void> {
    const before = this.#last.get(name);
    const own = createDeferred<void>();
    const turn = (before ?? Promise.resolve()).then(() => own.promise);
    this.#last.set(name, turn);
    void this.#forget(name, turn);
    if (!before) return own.resolve;
    onWait();
    try {
      await withAbort(before, signal);
    } catch (error) {
      own.resolve();
      throw error;
    }
    return own.resolve;
  }

  async #forget(name: string, turn: Promise<void>): Promise<void> {
    await turn;
    if (this.#last.get(name) === turn) this.#last.delete(name);
  }
}
