import type { SandboxNetworkUpdate, SandboxOpts } from "@e2b/code-interpreter";
import type { SandboxSpec } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import { sortAllowedHosts } from "../allowed-hosts.ts";
import { checkSpec } from "../check-spec.ts";
import type { E2bOptions } from "./e2b-options.ts";
import { type SandboxFacts, toMetadata } from "./metadata.ts";

/** The SDK's default; it has the service that keeps the state of code. */
export const DEFAULT_TEMPLATE = "code-interpreter-v1";
/** A template's name ("team/name:tag") or id, or a snapshot's. */
const TEMPLATE = /^[A-Za-z0-9][A-Za-z0-9._/:-]{0,254}$/;
/** What "nothing but the list" is on the wire, as `ALL_TRAFFIC` of the SDK. */
const EVERYTHING = "0.0.0.0/0";

/** Holds a spec against what E2B can do. @throws {SandboxError} `invalid` or `unsupported`, before anything is made */
export function checkE2bSpec(spec: SandboxSpec): void {
  // Processors and memory are the template's.
  checkSpec(spec, 1);
  if (spec.gpu !== undefined)
    throw new SandboxError("unsupported", "E2B has no GPUs. Choose Modal or Daytona for one, or take no GPU.");
  if (spec.image !== undefined && !TEMPLATE.test(spec.image))
    throw new SandboxError(
      "invalid",
      `"${toDisplay(spec.image)}" is no template of E2B. Name one as "${DEFAULT_TEMPLATE}" is named, or a snapshot.`,
    );
  toEgress(spec);
}

/** The SDK's options for a checked spec. The lifetime is always sent: E2B's own default is five minutes. */
export function toCreateOptions(spec: SandboxSpec, facts: SandboxFacts, { autoPause }: E2bOptions): SandboxOpts {
  const { allowInternetAccess, ...egress } = toEgress(spec);
  return {
    timeoutMs: toLifetimeMs(spec),
    metadata: toMetadata(facts),
    envs: { LANG: "C.UTF-8", ...spec.env },
    allowInternetAccess,
    // A port lets in who has the sandbox's token, nobody else.
    network: { ...egress, allowPublicTraffic: false },
    // Never woken by a request to a port: it would cost from then on.
    lifecycle: autoPause ? { onTimeout: "pause", autoResume: false } : { onTimeout: "kill" },
  };
}

/** What a sandbox may reach; also what a resumed one is told anew. */
export function toEgress({
  network,
  allowedHosts,
}: SandboxSpec): SandboxNetworkUpdate & { allowInternetAccess: boolean } {
  if (network === "full") return { allowInternetAccess: true };
  if (network === "none") return { allowInternetAccess: false };
  const { cidrs, domains } = sortAllowedHosts(allowedHosts);
  const allowOut = [...cidrs, ...domains];
  if (allowOut.length === 0) return { allowInternetAccess: false };
  return { allowInternetAccess: true, allowOut, denyOut: [EVERYTHING] };
}

/** E2B takes whole seconds. */
export function toLifetimeMs({ lifetimeMs }: Pick<SandboxSpec, "lifetimeMs">): number {
  return Math.ceil(lifetimeMs / 1000) * 1000;
}
