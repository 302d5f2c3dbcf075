import type { CreateSandboxFromImageParams, CreateSandboxFromSnapshotParams } from "@daytona/sdk";
import { randomBytes } from "node:crypto";
import type { SandboxSpec } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import { type AllowedHosts, sortAllowedHosts } from "../allowed-hosts.ts";
import { checkSpec } from "../check-spec.ts";
import type { DaytonaOptions } from "./daytona-options.ts";
import { toGpuRequest } from "./gpu-tiers.ts";
import { type SandboxFacts, toLabels } from "./labels.ts";

const LEAST_MEMORY_MIB = 128;
const LONGEST_NAME = 63;
const MINUTE_MS = 60_000;
/** What Daytona's API takes of each kind, see "networkAllowList" in https://www.daytona.io/docs/en/network-limits. */
const MOST_ALLOWED = 10;
/** The API's rule: a name with a dot, of letters, digits and hyphens. */
const DOMAIN = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/i;
/** What a GPU's sandbox starts from when the spec names no image: Daytona's default snapshot has no GPU. */
const GPU_IMAGE = "python:3.13-slim";
/** A reference as https://github.com/distribution/reference has it; it becomes a line of a Dockerfile. */
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$/;
const SNAPSHOT_PREFIX = "snapshot:";
/** Daytona stops what nobody has called for this long; a command that runs calls now and then, see `heartbeat.ts`. */
const IDLE_MINUTES = 60;

/** Longest that an image may take to be built and a machine to be found. */
export const LONGEST_START_MINUTES = 15;

/** What a sandbox is to start from. */
export type ImageChoice =
  | { readonly kind: "default" }
  | { readonly kind: "snapshot"; readonly name: string }
  | { readonly kind: "image"; readonly reference: string };

type CreateParams = CreateSandboxFromImageParams | CreateSandboxFromSnapshotParams;

/** Names a snapshot as `SandboxSpec.image` does. */
export function toSnapshotImage(name: string): string {
  return SNAPSHOT_PREFIX + name;
}

/** The snapshot's name; undefined when it is none. */
export function readSnapshotImage(image: string): string | undefined {
  return image.startsWith(SNAPSHOT_PREFIX) ? image.slice(SNAPSHOT_PREFIX.length) : undefined;
}

/** Holds a spec against what Daytona can do. @throws {SandboxError} `invalid` or `unsupported`, before anything is made */
export function checkDaytonaSpec(spec: SandboxSpec): void {
  checkSpec(spec, LEAST_MEMORY_MIB);
  if (spec.gpu !== undefined) toGpuRequest(spec.gpu);
  toImageChoice(spec);
  toNetwork(spec);
}

/** @throws {SandboxError} `invalid` for what is no image, or can't have the GPU */
export function toImageChoice({ image, gpu }: SandboxSpec): ImageChoice {
  if (image === undefined) return gpu === undefined ? { kind: "default" } : { kind: "image", reference: GPU_IMAGE };
  const name = readSnapshotImage(image);
  if (!REFERENCE.test(name ?? image))
    throw new SandboxError(
      "invalid",
      `"${toDisplay(image)}" is no image. Name one as "python:3.13-slim" or "snapshot:my-snapshot" is named.`,
    );
  if (name === undefined) return { kind: "image", reference: image };
  if (gpu !== undefined)
    throw new SandboxError(
      "invalid",
      "At Daytona a snapshot decides itself which GPU its sandboxes have. Choose an image of a registry, or no GPU.",
    );
  return { kind: "snapshot", name };
}

/** The SDK's parameters for a checked spec. Sizes can be asked for with an image of a registry alone. */
export function toCreateParams(spec: SandboxSpec, facts: SandboxFacts, options: DaytonaOptions): CreateParams {
  const choice = toImageChoice(spec);
  const hasGpu = spec.gpu !== undefined;
  const minutes = toMinutes(spec.lifetimeMs);
  const base = {
    name: toUniqueName(spec.name),
    labels: toLabels(facts),
    // Its time begins anew when it has started.
    ttlMinutes: minutes + LONGEST_START_MINUTES,
    autoStopInterval: Math.min(minutes, IDLE_MINUTES),
    // Where the API does not know of ttlMinutes yet, this bounds a sandbox's life. One with a GPU can't be kept.
    autoDeleteInterval: hasGpu ? 0 : minutes,
    ...(hasGpu && options.spot ? { spot: true } : {}),
    ...(options.autoArchiveMinutes === undefined ? {} : { autoArchiveInterval: options.autoArchiveMinutes }),
    ...toNetwork(spec),
  };
  if (choice.kind === "default") return base;
  if (choice.kind === "snapshot") return { ...base, snapshot: choice.name };
  return { ...base, image: choice.reference, resources: toResources(spec) };
}

/** Daytona counts in whole minutes: what is asked for is never cut short. */
export function toMinutes(lifetimeMs: number): number {
  return Math.max(1, Math.ceil(lifetimeMs / MINUTE_MS));
}

/** A name is Daytona's for one sandbox of an account; that makes a repeated request of ours fail instead of making two. */
function toUniqueName(name: string): string {
  const suffix = `-${randomBytes(6).toString("hex")}`;
  return name.slice(0, LONGEST_NAME - suffix.length) + suffix;
}

/** In whole processors and GiB, rounded up. */
function toResources({ cpus, memoryMiB, diskMiB, gpu }: SandboxSpec): CreateSandboxFromImageParams["resources"] {
  const sizes = { cpu: Math.ceil(cpus), memory: Math.ceil(memoryMiB / 1024), disk: Math.ceil(diskMiB / 1024) };
  return gpu === undefined ? sizes : { ...sizes, ...toGpuRequest(gpu) };
}

type Network = Pick<CreateSandboxFromImageParams, "networkBlockAll" | "networkAllowList" | "domainAllowList">;

function toNetwork({ network, allowedHosts }: SandboxSpec): Network {
  if (network === "none") return { networkBlockAll: true };
  if (network === "full") return {};
  const hosts = sortAllowedHosts(allowedHosts);
  checkAllowedHosts(hosts);
  const { cidrs, domains } = hosts;
  // An empty list would let everything out.
  if (cidrs.length + domains.length === 0) return { networkBlockAll: true };
  return {
    ...(cidrs.length > 0 ? { networkAllowList: cidrs.join(",") } : {}),
    ...(domains.length > 0 ? { domainAllowList: domains.join(",") } : {}),
  };
}

function checkAllowedHosts({ cidrs, domains }: AllowedHosts): void {
  const sixth = cidrs.find((cidr) => cidr.includes(":"));
  if (sixth !== undefined) refuseHosts(`takes no addresses of IPv6 ("${toDisplay(sixth)}")`);
  const odd = domains.find((domain) => !DOMAIN.test(domain));
  if (odd !== undefined) refuseHosts(`takes no name like "${toDisplay(odd)}"`);
  if (cidrs.length > MOST_ALLOWED) refuseHosts(`takes at most ${MOST_ALLOWED} ranges of addresses`);
  if (domains.length > MOST_ALLOWED) refuseHosts(`takes at most ${MOST_ALLOWED} domains`);
}

function refuseHosts(why: string): never {
  throw new SandboxError(
    "invalid",
    `Daytona ${why} in a list of what can be reached. Shorten or correct the list, or set the network to "none" or "full".`,
  );
}
