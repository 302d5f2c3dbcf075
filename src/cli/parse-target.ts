import { PROVIDER_IDS, type NetworkPolicy, type ProviderId } from "../core/provider.ts";
import { DEFAULT_TARGET } from "../sessions/default-target.ts";
import type { Target } from "../sessions/records.ts";
import { UsageError } from "./usage-error.ts";

const NETWORKS: readonly NetworkPolicy[] = ["none", "allow-list", "full"];
const MOST_PORT = 65_535;

/** Options that say where to run, for node:util's parseArgs. */
export const TARGET_OPTIONS = {
  provider: { type: "string" },
  image: { type: "string" },
  network: { type: "string" },
  "allow-host": { type: "string", multiple: true },
  port: { type: "string", multiple: true },
  gpu: { type: "string" },
  cpus: { type: "string" },
  memory: { type: "string" },
  option: { type: "string", multiple: true },
} as const;

/** What was said of {@link TARGET_OPTIONS}. */
export interface TargetValues {
  readonly provider?: string | undefined;
  readonly image?: string | undefined;
  readonly network?: string | undefined;
  readonly "allow-host"?: readonly string[] | undefined;
  readonly port?: readonly string[] | undefined;
  readonly gpu?: string | undefined;
  readonly cpus?: string | undefined;
  readonly memory?: string | undefined;
  readonly option?: readonly string[] | undefined;
}

/**
 * The target that they name.
 * @param env where the caller's Docker is
 * @param base what goes for what is not said
 * @throws {UsageError}
 */
export function toTarget(values: TargetValues, env: NodeJS.ProcessEnv, base: Target = DEFAULT_TARGET): Target {
  const providerId = choose<ProviderId>("--provider", values.provider ?? base.providerId, PROVIDER_IDS);
  const { image, gpu, gpuFallbacks, options: baseOptions, network, allowedHosts, ...rest } = base;
  // What one provider is told means nothing to another.
  const kept = providerId === base.providerId ? { image, gpu: toGpu(gpu, gpuFallbacks), options: baseOptions } : {};
  const options = { ...kept.options, ...parsePairs("--option", values.option ?? []) };
  return {
    ...rest,
    providerId,
    options: { ...toPlace(providerId, options, env), ...options },
    ...toImage(values.image ?? kept.image),
    ...(values.gpu === undefined ? kept.gpu : parseGpu(values.gpu)),
    ...toNetwork(values, network, allowedHosts),
    ...(values.port === undefined ? {} : { ports: values.port.map(parsePort) }),
    cpus: parseCpus(values.cpus, base.cpus),
    memoryMiB: parseCount("--memory", values.memory, base.memoryMiB),
  };
}

function toImage(image: string | undefined): Pick<Target, "image"> {
  return image === undefined ? {} : { image };
}

function toGpu(gpu: string | undefined, fallbacks: readonly string[] = []): Pick<Target, "gpu" | "gpuFallbacks"> {
  if (gpu === undefined) return {};
  return fallbacks.length === 0 ? { gpu } : { gpu, gpuFallbacks: fallbacks };
}

/** The first one is wanted; the others are taken in this order when it is not free. @throws {UsageError} */
function parseGpu(text: string): Pick<Target, "gpu" | "gpuFallbacks"> {
  const [gpu = "", ...others] = text.split(",").map((tier) => tier.trim());
  if (gpu === "" || others.includes("")) throw new UsageError("--gpu is written as TIER, TIER:COUNT or TIER,TIER,cpu.");
  return toGpu(gpu, others);
}

/** Naming hosts is asking for them alone. @throws {UsageError} */
function toNetwork(
  { network: said, "allow-host": named }: TargetValues,
  baseNetwork: NetworkPolicy,
  baseHosts: readonly string[] | undefined,
): Pick<Target, "network" | "allowedHosts"> {
  const network = choose("--network", said ?? (named ? "allow-list" : baseNetwork), NETWORKS);
  const allowedHosts = named ?? baseHosts;
  if (network !== "allow-list" && named)
    throw new UsageError(`--allow-host goes with --network allow-list, not with ${network}.`);
  if (network !== "allow-list") return { network };
  if (!allowedHosts) throw new UsageError("Name the hosts of the list with --allow-host HOST.");
  return { network, allowedHosts };
}

function parsePort(text: string): number {
  const port = parseCount("--port", text, 0);
  if (port > MOST_PORT) throw new UsageError(`--port is a number up to ${MOST_PORT}; not "${text}".`);
  return port;
}

/** Whether anything was said about where. */
export function namesTarget(values: TargetValues): boolean {
  return Object.keys(TARGET_OPTIONS).some((name) => Reflect.get(values, name) !== undefined);
}

// In the order of the docker command: what was said, then DOCKER_HOST, then DOCKER_CONTEXT.
function toPlace(
  providerId: ProviderId,
  options: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  if (providerId !== "docker") return {};
  if (options["host"] !== undefined || options["context"] !== undefined) return {};
  const { DOCKER_HOST: host, DOCKER_CONTEXT: context } = env;
  if (host) return { host };
  return context ? { context } : {};
}

/** @throws {UsageError} when it is none of the choices */
export function choose<T extends string>(option: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new UsageError(`${option} is one of ${choices.join(", ")}; not "${value}".`);
  return found;
}

function parseCpus(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,4}(?:\.\d{1,3})?$/.test(text) || Number(text) === 0)
    throw new UsageError(`--cpus is a number above 0, such as 0.5 or 4; not "${text}".`);
  return Number(text);
}

/** @throws {UsageError} when it is no whole number above 0 */
export function parseCount(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw new UsageError(`${option} is a whole number above 0; not "${text}".`);
  return Number(text);
}

/** NAME=VALUE each. @throws {UsageError} */
export function parsePairs(option: string, pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at <= 0) throw new UsageError(`${option} is written as NAME=VALUE.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

const SIZE_UNITS_MIB: Readonly<Record<string, number>> = { k: 1 / 1024, m: 1, g: 1024, t: 1024 ** 2 };

/** MiB of "500M", "2G"; a bare number is MiB. @throws {UsageError} */
export function parseSizeMiB(option: string, text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(?:([kmgt])(?:i?b)?)?$/i.exec(text);
  const unit = SIZE_UNITS_MIB[(match?.[2] ?? "m").toLowerCase()];
  const size = Number(match?.[1]) * (unit ?? 0);
  if (!match || size === 0) throw new UsageError(`${option} is a size above 0 such as 500M or 2G; not "${text}".`);
  return size;
}
