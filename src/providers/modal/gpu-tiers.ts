import type { GpuTier } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";

const MOST = 8;

/** As https://modal.com/docs/guide/gpu lists them, smallest first; memory as NVIDIA's data sheets say, B200 as there (1,536 GB for 8). */
export const GPU_TIERS: readonly GpuTier[] = [
  { id: "T4", title: "NVIDIA T4", vramGiB: 16, maxCount: MOST },
  { id: "L4", title: "NVIDIA L4", vramGiB: 24, maxCount: MOST },
  { id: "A10", title: "NVIDIA A10", vramGiB: 24, maxCount: 4 },
  { id: "L40S", title: "NVIDIA L40S", vramGiB: 48, maxCount: MOST },
  { id: "A100-40GB", title: "NVIDIA A100 (40 GB)", vramGiB: 40, maxCount: MOST },
  { id: "A100-80GB", title: "NVIDIA A100 (80 GB)", vramGiB: 80, maxCount: MOST },
  { id: "RTX-PRO-6000", title: "NVIDIA RTX PRO 6000", vramGiB: 96, maxCount: MOST },
  { id: "H100", title: "NVIDIA H100", vramGiB: 80, maxCount: MOST },
  { id: "H200", title: "NVIDIA H200", vramGiB: 141, maxCount: MOST },
  { id: "B200", title: "NVIDIA B200", vramGiB: 192, maxCount: MOST },
];

/**
 * A spec's `gpu` as the SDK takes it ("H100:2"); it checks nothing itself.
 * @throws {SandboxError} `unsupported` for a kind that Modal has not, `invalid` for a count
 */
export function toGpu(gpu: string): string {
  const [id, count = "1", ...rest] = gpu.split(":");
  const tier = GPU_TIERS.find((known) => known.id === id);
  if (!tier || rest.length > 0) {
    const known = GPU_TIERS.map((each) => each.id).join(", ");
    throw new SandboxError("unsupported", `Modal has no GPU "${toDisplay(gpu)}". Choose one of: ${known}.`);
  }
  const most = tier.maxCount ?? 1;
  if (!/^[1-9]\d?$/.test(count) || Number(count) > most)
    throw new SandboxError(
      "invalid",
      `A sandbox on Modal can have 1 to ${most} ${tier.title}, not "${toDisplay(count)}".`,
    );
  return count === "1" ? tier.id : `${tier.id}:${count}`;
}
