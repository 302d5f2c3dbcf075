/** What one unit of something costs at a provider. */
interface Price {
  /** US dollars per {@link Price.unit}. */
  readonly value: number;
  readonly unit: "GPU-hour" | "core-hour" | "GiB-hour" | "times the rest";
  readonly source: keyof typeof SOURCES;
}

/** Where prices come from, and when that was looked at. */
const SOURCES = {
  modalGpu: {
    asOf: "2026-07-01",
    text: "https://modal.com/pricing as transcribed in github.com/api-evangelist/modal-labs, plans/modal-labs-plans-pricing.yml",
  },
  modalSandbox: {
    asOf: "2026-10-08",
    text: "https://modal.com/pricing, rates of sandboxes ($0.00003942 per core and s, $0.00000667 per GiB and s)",
  },
  modalRegion: {
    asOf: "2026-06-27",
    text: "https://www.beam.cloud/blog/modal-pricing-explained: 1.5 to 1.75; the higher, so that budgets hold",
  },
  e2b: {
    asOf: "2026-08-06",
    text: "https://e2b.dev/docs/faq/calculate-sandbox-price: $0.000014 per vCPU and s, $0.0000045 per GiB and s; disk is included, paused ones are not billed",
  },
  daytona: {
    asOf: "2026-05-25",
    text: "https://www.daytona.io/pricing as transcribed in github.com/api-evangelist/daytona-io, plans/daytona-io-plans-pricing.yml. Of an account's disk the first 5 GiB are free: they are counted, so that budgets hold. Stopped ones are billed their disk (https://www.daytona.io/docs/en/billing)",
  },
} as const;

const HOUR_S = 3600;

/** List prices by name; what is not here is not known. The user's own are laid over them, see `CostPolicy.prices`. */
export const PRICES: Readonly<Record<string, Price>> = {
  "modal/gpu/T4": gpu(0.000164, "modalGpu"),
  "modal/gpu/L4": gpu(0.000222, "modalGpu"),
  "modal/gpu/A10": gpu(0.000306, "modalGpu"),
  "modal/gpu/L40S": gpu(0.000542, "modalGpu"),
  "modal/gpu/A100-40GB": gpu(0.000583, "modalGpu"),
  "modal/gpu/A100-80GB": gpu(0.000694, "modalGpu"),
  "modal/gpu/RTX-PRO-6000": gpu(0.000842, "modalGpu"),
  "modal/gpu/H100": gpu(0.001097, "modalGpu"),
  "modal/gpu/H200": gpu(0.001261, "modalGpu"),
  "modal/gpu/B200": gpu(0.001736, "modalGpu"),
  "modal/cpu": { value: 0.00003942 * HOUR_S, unit: "core-hour", source: "modalSandbox" },
  "modal/memory": { value: 0.00000667 * HOUR_S, unit: "GiB-hour", source: "modalSandbox" },
  "modal/region": { value: 1.75, unit: "times the rest", source: "modalRegion" },
  "e2b/cpu": { value: 0.0504, unit: "core-hour", source: "e2b" },
  "e2b/memory": { value: 0.0162, unit: "GiB-hour", source: "e2b" },
  "daytona/gpu/H100": gpu(0.001097, "daytona"),
  "daytona/gpu/RTX-PRO-6000": gpu(0.000842, "daytona"),
  "daytona/cpu": { value: 0.0504, unit: "core-hour", source: "daytona" },
  "daytona/memory": { value: 0.0162, unit: "GiB-hour", source: "daytona" },
  "daytona/disk": { value: 0.000108, unit: "GiB-hour", source: "daytona" },
};

/** When the oldest of a provider's prices was looked up, as a date: "2026-05-25". */
export function pricesAsOf(providerId: string): string {
  const dates = Object.entries(PRICES)
    .filter(([name]) => name.startsWith(`${providerId}/`))
    .map(([, { source }]) => SOURCES[source].asOf)
    .sort();
  return dates[0] ?? "";
}

function gpu(usdPerSecond: number, source: Price["source"]): Price {
  return { value: usdPerSecond * HOUR_S, unit: "GPU-hour", source };
}
