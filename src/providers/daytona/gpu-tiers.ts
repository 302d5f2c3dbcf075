import type { GpuTier } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";

const MOST = 8;

/** `GpuType` of @daytona/sdk@0.216.0, smallest first; memory as the makers' data sheets say. */
export const GPU_TIERS = [
  { id: "RTX-4090", title: "NVIDIA GeForce RTX 4090", vramGiB: 24, maxCount: MOST },
  { id: "RTX-5090", title: "NVIDIA GeForce RTX 5090", vramGiB: 32, maxCount: MOST },
  { id: "RTX-PRO-6000", title: "NVIDIA RTX PRO 6000", vramGiB: 96, maxCount: MOST },
  { id: "H100", title: "NVIDIA H100", vramGiB: 80, maxCount: MOST },
  { id: "H200", title: "NVIDIA H200", vramGiB: 141, maxCount: MOST },
  { id: "MI355X", title: "AMD Instinct MI355X", vramGiB: 288, maxCount: MOST },
] as const satisfies readonly GpuTier[];

/** What `Resources` of the SDK takes. */
export interface GpuRequest {
  readonly gpu: number;
  readonly gpuType: (typeof GPU_TIERS)[number]["id"];
}

/**
 * Reads a spec's `gpu` ("H100:2"); the SDK checks nothing itself.
 * @throws {SandboxError} `unsupported` for a kind that Daytona has not, `invalid` for a count
 */
export function toGpuRequest(gpu: string): GpuRequest {
  const [id, count = "1", ...rest] = gpu.split(":");
  const tier = GPU_TIERS.find((known) => known.id === id);
  if (!tier || rest.length > 0) {
    const known = GPU_TIERS.map((each) => each.id).join(", ");
    throw new SandboxError("unsupported", `Daytona has no GPU "${toDisplay(gpu)}". Choose one of: ${known}.`);
  }
  if (!/^[1-9]\d?$/.test(count) || Number(count) > tier.maxCount)
    throw new SandboxError(
      "invalid",
      `A sandbox on Daytona can have 1 to ${tier.maxCount} ${tier.title}, not "${toDisplay(count)}".`,
    );
  return { gpu: Number(count), gpuType: tier.id };
}
