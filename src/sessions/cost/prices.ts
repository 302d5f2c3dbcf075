/** What one unit of something costs at a provider. */
interface Price {
  /** US dollars per {@link Price.unit}. */
  readonly value: number;
  readonly unit: "GPU-hour" | "core-hour" | "GiB-hour" | "times the rest";
  readonly source: keyof typeof SOURCES;
}

/** When the oldest of the prices below was looked up. */
export const PRICES_AS_OF = "2026-07-01";

/** Where they come from. */
const SOURCES = {
  gpu: "https://modal.com/pricing as transcribed on 2026-07-01 in github.com/api-evangelist/modal-labs, plans/modal-labs-plans-pricing.yml",
  sandbox:
    "https://modal.com/pricing, rates of sandboxes ($0.00003942 per core and s, $0.00000667 per GiB and s), 2026-10-08",
  region:
    "https://www.beam.cloud/blog/modal-pricing-explained, 2026-06-27: 1.5 to 1.75; the higher, so that budgets hold",
} as const;

const HOUR_S = 3600;

/** List prices by name; what is not here is not known. The user's own are laid over them, see `CostPolicy.prices`. */
export const PRICES: Readonly<Record<string, Price>> = {
  "modal/gpu/T4": gpu(0.000164),
  "modal/gpu/L4": gpu(0.000222),
  "modal/gpu/A10": gpu(0.000306),
  "modal/gpu/L40S": gpu(0.000542),
  "modal/gpu/A100-40GB": gpu(0.000583),
  "modal/gpu/A100-80GB": gpu(0.000694),
  "modal/gpu/RTX-PRO-6000": gpu(0.000842),
  "modal/gpu/H100": gpu(0.001097),
  "modal/gpu/H200": gpu(0.001261),
  "modal/gpu/B200": gpu(0.001736),
  "modal/cpu": { value: 0.00003942 * HOUR_S, unit: "core-hour", source: "sandbox" },
  "modal/memory": { value: 0.00000667 * HOUR_S, unit: "GiB-hour", source: "sandbox" },
  "modal/region": { value: 1.75, unit: "times the rest", source: "region" },
};

function gpu(usdPerSecond: number): Price {
  return { value: usdPerSecond * HOUR_S, unit: "GPU-hour", source: "gpu" };
}
