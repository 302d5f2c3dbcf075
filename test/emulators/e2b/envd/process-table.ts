import { ConnectError } from "./connect-json.ts";
import type { EnvdProcess } from "./envd-process.ts";

/** Which process a call means. */
export type ProcessSelector = { readonly pid: number } | { readonly tag: string };

/** The processes that the daemon has started and that run; one that has ended is forgotten. */
export class ProcessTable {
  readonly #processes = new Map<number, EnvdProcess>();

  get all(): readonly EnvdProcess[] {
    return [...this.#processes.values()];
  }

  add(process: EnvdProcess): void {
    this.#processes.set(process.pid, process);
    void this.#forget(process);
  }

  /** @throws ConnectError not_found */
  get(selector: ProcessSelector): EnvdProcess {
    if ("pid" in selector) {
      const found = this.#processes.get(selector.pid);
      if (!found) throw new ConnectError("not_found", `process with pid ${selector.pid} not found`);
      return found;
    }
    const found = this.all.find(({ start }) => start.tag === selector.tag);
    if (!found) throw new ConnectError("not_found", `process with tag ${selector.tag} not found`);
    return found;
  }

  /** They are gone, with the memory that they were in. */
  clear(): void {
    this.#processes.clear();
  }

  async #forget(process: EnvdProcess): Promise<void> {
    await process.ended;
    if (this.#processes.get(process.pid) === process) this.#processes.delete(process.pid);
  }
}
