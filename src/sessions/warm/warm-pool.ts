import type { Call } from "../../core/call.ts";
import type { Logger } from "../../core/logger.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { SessionPool } from "../session-pool.ts";

/** What keeping sandboxes ready needs. */
export interface WarmPoolDeps {
  readonly pool: SessionPool;
  readonly logger: Logger;
  readonly newCall: () => Call;
}

/** Keeps idle sandboxes like the last one used, for the next session to take. */
export class WarmPool {
  readonly #deps: WarmPoolDeps;

  constructor(deps: WarmPoolDeps) {
    this.#deps = deps;
  }

  async setSize(size: number): Promise<void> {
    this.#deps.logger.debug(`Sandboxes to keep ready: ${size}`);
    if (size > 0) throw new SandboxError("unsupported", "No sandboxes are kept ready yet.");
  }
}
