import type { Logger } from "../../core/logger.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Clock } from "../clock.ts";
import type { BatchPlan, BatchRecord } from "../cloud-records.ts";
import type { EngineEvent } from "../engine.ts";
import type { RunRequest } from "../records.ts";

/** What running batches needs. */
export interface BatchDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onDidChange: (event: EngineEvent) => void;
}

/** Runs one command in many sandboxes. */
export class BatchDesk {
  readonly #deps: BatchDeps;

  constructor(deps: BatchDeps) {
    this.#deps = deps;
  }

  async start(_request: RunRequest, plan: BatchPlan): Promise<BatchRecord> {
    this.#deps.logger.debug(`A batch of ${plan.count} was asked for`);
    throw new SandboxError("unsupported", "Batches cannot be run yet.");
  }

  async stop(_batchId: string): Promise<void> {
    throw new SandboxError("not-found", "There is no batch with that id.");
  }

  list(): readonly BatchRecord[] {
    return [];
  }
}
