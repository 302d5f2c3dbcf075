import type { ProviderId } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Rate } from "../cloud-records.ts";
import type { Target } from "../records.ts";
import { NO_GPU } from "./no-gpu.ts";
import { PRICES, pricesAsOf } from "./prices.ts";

const FREE: ReadonlySet<ProviderId> = new Set<ProviderId>(["local", "docker"]);

/** Whether its sandboxes cost nothing, or nothing that we could know of. */
export function isFree(providerId: ProviderId): boolean {
  return FREE.has(providerId);
}

/** What a sandbox has. */
export interface Size {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskMiB?: number;
}

/** What is charged for. */
export interface Priced {
  readonly target: Target;
  /** A tier's id, with a count ("H100:2") or without; "cpu" or undefined for none. */
  readonly gpu: string | undefined;
  /** What its image gives it, where that decides; the target's own where it does not; undefined when it is not known. */
  readonly size: Size | undefined;
}

/**
 * Whether the image says what a sandbox has, rather than the target: E2B's templates do, and so do Daytona's snapshots,
 * which have no GPU.
 */
export function isSizedByImage({ providerId, image }: Pick<Target, "providerId" | "image">, gpu?: string): boolean {
  if (providerId === "e2b") return true;
  if (providerId !== "daytona") return false;
  return image?.startsWith("snapshot:") ?? (gpu === undefined || gpu === NO_GPU);
}

/** What a sandbox gets that is made as the target says. */
export function toAskedSize({ providerId, cpus, memoryMiB, diskMiB }: Target): Size {
  if (providerId !== "daytona") return { cpus, memoryMiB, diskMiB };
  // In whole processors and GiB, see https://www.daytona.io/docs/en/sandboxes.
  return { cpus: Math.ceil(cpus), memoryMiB: toWholeGiB(memoryMiB), diskMiB: toWholeGiB(diskMiB) };
}

function toWholeGiB(sizeMiB: number): number {
  return Math.ceil(sizeMiB / 1024) * 1024;
}

/**
 * What a sandbox costs; undefined when its size or one of its prices is not known, and for providers that are free.
 * @param prices the user's own, by name
 */
export function toRate({ target, gpu, size }: Priced, prices: Readonly<Record<string, number>>): Rate | undefined {
  const { providerId } = target;
  if (isFree(providerId) || !size) return undefined;
  const isOwn = isOwnServer(target);
  const find = (name: string): number | undefined => {
    const full = `${providerId}/${name}`;
    return prices[full] ?? (isOwn ? undefined : PRICES[full]?.value);
  };
  const cpu = find("cpu");
  const memory = find("memory");
  const gpus = toGpuPrice(gpu, find);
  const factor = target.options["regions"] ? find("region") : 1;
  if (cpu === undefined || memory === undefined || gpus === undefined || factor === undefined) return undefined;
  // Not everybody charges for disk.
  const disk = ((find("disk") ?? 0) * (size.diskMiB ?? 0)) / 1024;
  const usdPerHour = factor * (gpus + cpu * size.cpus + (memory * size.memoryMiB) / 1024 + disk);
  return { usdPerHour, asOf: pricesAsOf(providerId) };
}

// What somebody's own server costs is theirs to say.
function isOwnServer({ options }: Target): boolean {
  return Boolean(options["domain"] ?? options["apiUrl"]);
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
