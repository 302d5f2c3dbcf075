import type { ProviderId } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Rate } from "../cloud-records.ts";
import type { Target } from "../records.ts";
import { PRICES, PRICES_AS_OF } from "./prices.ts";

/** Stands for no GPU in lists of what to take. */
export const NO_GPU = "cpu";

const FREE: ReadonlySet<ProviderId> = new Set<ProviderId>(["local", "docker"]);

/** Whether its sandboxes cost nothing, or nothing that we could know of. */
export function isFree(providerId: ProviderId): boolean {
  return FREE.has(providerId);
}

/**
 * What a sandbox as the target describes it costs with that GPU; undefined when one of its prices is not known, and for
 * providers that are free.
 * @param gpu a tier's id, with a count ("H100:2") or without; "cpu" or undefined for none
 * @param prices the user's own, by name
 */
export function toRate(
  target: Target,
  gpu: string | undefined,
  prices: Readonly<Record<string, number>>,
): Rate | undefined {
  if (isFree(target.providerId)) return undefined;
  const find = (name: string): number | undefined => {
    const full = `${target.providerId}/${name}`;
    return prices[full] ?? PRICES[full]?.value;
  };
  const cpu = find("cpu");
  const memory = find("memory");
  const gpus = toGpuPrice(gpu, find);
  const factor = target.options["regions"] ? find("region") : 1;
  if (cpu === undefined || memory === undefined || gpus === undefined || factor === undefined) return undefined;
  const usdPerHour = factor * (gpus + cpu * target.cpus + (memory * target.memoryMiB) / 1024);
  return { usdPerHour, asOf: PRICES_AS_OF };
}

function toGpuPrice(gpu: string | undefined, find: (name: string) => number | undefined): number | undefined {
  if (gpu === undefined || gpu === NO_GPU) return 0;
  const { id, count } = parseGpu(gpu);
  const price = find(`gpu/${id}`);
  return price === undefined ? undefined : price * count;
}

/** The parts of "H100:2". @throws {SandboxError} `invalid` */
export function parseGpu(gpu: string): { readonly id: string; readonly count: number } {
  const match = /^([A-Za-z0-9+!_-]{1,40})(?::([1-9]\d?))?$/.exec(gpu);
  if (match?.[1]) return { id: match[1], count: Number(match[2] ?? 1) };
  throw new SandboxError("invalid", `A GPU is written as "H100", or "H100:2" for two of them; not "${gpu}".`);
}
