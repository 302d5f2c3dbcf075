import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { SessionPool } from "../session-pool.ts";
import type { CellContext } from "./cell-context.ts";

/** What dealing with contexts needs. */
export interface CellDeskDeps {
  readonly pool: SessionPool;
  readonly newCall: () => Call;
}

/** The contexts in which a session's cells keep their state. */
export class CellDesk {
  readonly #deps: CellDeskDeps;

  constructor(deps: CellDeskDeps) {
    this.#deps = deps;
  }

  async listContexts(_sessionId: string): Promise<readonly CellContext[]> {
    return [];
  }

  async restartContext(sessionId: string, contextId: string): Promise<void> {
    const { sandbox } = await this.#deps.pool.open(sessionId, this.#deps.newCall());
    if (!sandbox.interpreter) throw new SandboxError("unsupported", "This provider keeps no state of code.");
    await sandbox.interpreter.restartContext(contextId, this.#deps.newCall());
  }
}
