import { randomBytes } from "node:crypto";
import type { SandboxCreateParams, Secret } from "modal";
import type { SandboxSpec } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { sortAllowedHosts } from "../allowed-hosts.ts";
import { checkSpec } from "../check-spec.ts";
import { toGpu } from "./gpu-tiers.ts";
import { HOME } from "./layout.ts";
import type { ModalOptions } from "./modal-options.ts";
import { toFirstCommand } from "./setup-script.ts";
import { type SandboxFacts, toLifetimeMs, toTags } from "./tags.ts";

/** Below it Modal's own part in a sandbox has no room. */
const LEAST_MEMORY_MIB = 128;
const LONGEST_NAME = 63;

/** What `create` needs besides the spec. */
export interface CreateContext {
  readonly options: ModalOptions;
  readonly facts: SandboxFacts;
  readonly secrets: Secret[];
}

/** Holds a spec against what Modal can do. @throws {SandboxError} `invalid` or `unsupported`, before anything is made */
export function checkModalSpec(spec: SandboxSpec, options: ModalOptions): void {
  checkSpec(spec, LEAST_MEMORY_MIB);
  if (spec.gpu !== undefined) toGpu(spec.gpu);
  if (spec.gpu !== undefined && options.memorySnapshot)
    throw new SandboxError(
      "unsupported",
      "Modal can't save the memory of a sandbox with a GPU. Turn the option memorySnapshot off, or take no GPU.",
    );
  toNetwork(spec);
  for (const port of spec.ports ?? [])
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new SandboxError("invalid", `There is no port ${port}: ports are whole numbers from 1 to 65535.`);
}

/** The SDK's parameters for a checked spec. Processors and memory are always sent: Modal's own defaults are tiny. */
export function toCreateParams(spec: SandboxSpec, { options, facts, secrets }: CreateContext): SandboxCreateParams {
  return {
    name: toUniqueName(spec.name),
    tags: toTags(facts),
    command: toFirstCommand(spec, facts.creation),
    workdir: "/",
    timeoutMs: toLifetimeMs(spec),
    cpu: spec.cpus,
    cpuLimit: spec.cpus,
    memoryMiB: spec.memoryMiB,
    memoryLimitMiB: spec.memoryMiB,
    env: { HOME, USER: "sandbox", LOGNAME: "sandbox", LANG: "C.UTF-8", ...spec.env },
    ...toNetwork(spec),
    ...(secrets.length > 0 ? { secrets } : {}),
    ...(spec.gpu === undefined ? {} : { gpu: toGpu(spec.gpu) }),
    ...(spec.ports?.length ? { encryptedPorts: [...new Set(spec.ports)] } : {}),
    ...(options.regions.length > 0 ? { regions: [...options.regions] } : {}),
    ...(options.cloud === undefined ? {} : { cloud: options.cloud }),
    ...(options.exitSnapshot ? { experimentalOptions: { enable_exit_snapshot: true } } : {}),
    ...(options.memorySnapshot ? { experimentalEnableSnapshot: true } : {}),
  };
}

/** A name is Modal's for one running sandbox of an app; that makes a repeated request of ours fail instead of making two. */
export function toUniqueName(name: string): string {
  const suffix = `-${randomBytes(6).toString("hex")}`;
  return name.slice(0, LONGEST_NAME - suffix.length) + suffix;
}

type Network = Pick<SandboxCreateParams, "blockNetwork" | "outboundDomainAllowlist" | "outboundCidrAllowlist">;

function toNetwork({ network, allowedHosts }: SandboxSpec): Network {
  if (network === "none") return { blockNetwork: true };
  if (network === "full") return {};
  const { cidrs, domains } = sortAllowedHosts(allowedHosts);
  // Both are always given, so that an empty list lets nothing out rather than everything.
  return { outboundCidrAllowlist: cidrs, outboundDomainAllowlist: domains };
}
