import { ApiError } from "./api-error.ts";
import type { Resources } from "./messages.ts";

/** What the account may have, see https://www.daytona.io/docs/en/limits/. Sizes are in GiB. */
export interface AccountLimits {
  /** Of all sandboxes that run. */
  readonly cpu: number;
  readonly memory: number;
  /** Of all that are there and are not archived. */
  readonly disk: number;
  /** Of all sandboxes that run. */
  readonly gpu: number;
  readonly createsPerMinute: number;
}

const MOST = Number.POSITIVE_INFINITY;
export const NO_LIMITS: AccountLimits = { cpu: MOST, memory: MOST, disk: MOST, gpu: MOST, createsPerMinute: MOST };

const WINDOW_MS = 60_000;
const SOURCE = { source: "DAYTONA_API" } as const;
const HINT = "To increase concurrency limits, upgrade your organization's Tier by visiting the dashboard.";

/** What limits the account, as it is now. */
export class Account {
  readonly limits: AccountLimits;
  /** How many GPUs of a type are there; a type that is not named is not limited. */
  readonly gpus: Map<string, number>;
  #createdAt: number[] = [];

  constructor(limits: AccountLimits, gpus: ReadonlyMap<string, number>) {
    this.limits = limits;
    this.gpus = new Map(gpus);
  }

  /** Counts a creation. @throws 429 when there were too many within a minute */
  countCreation(): void {
    const now = Date.now();
    this.#createdAt = this.#createdAt.filter((at) => at > now - WINDOW_MS);
    if (this.#createdAt.length < this.limits.createsPerMinute) return void this.#createdAt.push(now);
    const seconds = Math.ceil(((this.#createdAt[0] ?? now) + WINDOW_MS - now) / 1000);
    const headers = {
      "Retry-After": String(seconds),
      "X-RateLimit-Limit-sandbox-create": String(this.limits.createsPerMinute),
      "X-RateLimit-Remaining-sandbox-create": "0",
      "X-RateLimit-Reset-sandbox-create": String(seconds),
    };
    throw new ApiError(429, "Rate limit exceeded", { ...SOURCE, headers });
  }

  /** Whether there is room for one more besides what runs and what lies there. @throws 400 that names what is too much */
  checkRoom(wanted: Resources, running: readonly Resources[], kept: readonly Resources[]): void {
    const check = (name: "cpu" | "memory" | "disk" | "gpu", title: string, unit: string) => {
      const others = name === "disk" ? kept : running;
      const used = others.reduce((sum, one) => sum + one[name], 0);
      if (used + wanted[name] <= this.limits[name]) return;
      const message = `Total ${title} limit exceeded. Maximum allowed: ${this.limits[name]}${unit}.\n${HINT}`;
      throw new ApiError(400, message, SOURCE);
    };
    check("gpu", "GPU", "");
    check("cpu", "CPU", "");
    check("memory", "memory", "GiB");
    check("disk", "disk", "GiB");
  }

  /** The first of the types of which so many are free. @throws 400 when there is none */
  pickGpu(types: readonly string[], count: number, running: readonly Resources[]): string {
    const free = types.find((type) => {
      const used = running.reduce((sum, one) => sum + (one.gpuType === type ? one.gpu : 0), 0);
      return used + count <= (this.gpus.get(type) ?? Number.POSITIVE_INFINITY);
    });
    if (free !== undefined) return free;
    throw new ApiError(400, `No available runners with GPU type: ${types.join(", ")}.`, SOURCE);
  }
}
