import type { Process } from "../core/sandbox.ts";
import { createDeferred } from "./deferred.ts";

/** What a run's command is given while it runs, in the order it came; what comes before it has started waits. */
export class RunInput {
  readonly #process = createDeferred<Process | undefined>();
  #last: Promise<void> = Promise.resolve();
  #hasEnded = false;

  /** The command, once it is there; undefined when it never will be. */
  get process(): Promise<Process | undefined> {
    return this.#process.promise;
  }

  /** Only the first call counts. @param process undefined when there will be none */
  connect(process: Process | undefined): void {
    this.#process.resolve(process);
    if (process) void this.#noteEnd(process);
  }

  /** Resolves when the command has taken it, or has ended. */
  feed(action: (process: Process) => Promise<void>): Promise<void> {
    const done = this.#last.then(() => this.#act(action));
    // One write that fails does not stop those after it.
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #noteEnd(process: Process): Promise<void> {
    await process.exit;
    this.#hasEnded = true;
  }

  async #act(action: (process: Process) => Promise<void>): Promise<void> {
    const process = await this.process;
    if (process && !this.#hasEnded) await Promise.race([action(process), process.exit]);
  }
}
