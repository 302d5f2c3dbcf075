import type { Call } from "../../core/call.ts";
import type { Logger } from "../../core/logger.ts";
import type { Provider } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Clock } from "../clock.ts";
import type { CostPolicy, CostReport, GpuOffer, Rate } from "../cloud-records.ts";
import type { EngineEvent } from "../engine.ts";
import type { Target } from "../records.ts";
import type { SessionPool } from "../session-pool.ts";
import type { StateFolder } from "../state-folder.ts";

/** What knowing costs needs. */
export interface CostsDeps {
  readonly state: StateFolder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pool: SessionPool;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly newCall: () => Call;
  readonly onDidChange: (event: EngineEvent) => void;
}

/** What sandboxes cost, have cost and may cost. */
export class Costs {
  readonly #deps: CostsDeps;

  constructor(deps: CostsDeps) {
    this.#deps = deps;
  }

  async listGpus(target: Target): Promise<readonly GpuOffer[]> {
    const provider = await this.#deps.loadProvider(target);
    const tiers = await provider.gpuTiers(this.#deps.newCall());
    return tiers.map((tier) => ({ tier }));
  }

  async estimate(_target: Target): Promise<Rate | undefined> {
    return undefined;
  }

  async read(): Promise<CostReport> {
    throw new SandboxError("unsupported", "Costs are not known yet.");
  }

  async setPolicy(_policy: CostPolicy): Promise<void> {
    throw new SandboxError("unsupported", "Costs are not known yet.");
  }
}
