import type { Provider } from "../core/provider.ts";
import type { Target } from "./records.ts";

/** Where a target's sandboxes are: equal for targets that share a provider and with it a list of sandboxes. */
export function toPlace(target: Target): string {
  return JSON.stringify([target.providerId, Object.entries(target.options).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Loads each provider once; one that fails to load is tried again when next asked for. */
export function createProviderCache(
  load: (target: Target) => Promise<Provider>,
): (target: Target) => Promise<Provider> {
  const loading = new Map<string, Promise<Provider>>();
  return (target) => {
    const place = toPlace(target);
    const known = loading.get(place);
    if (known) return known;
    const provider = load(target);
    loading.set(place, provider);
    provider.catch(() => loading.delete(place));
    return provider;
  };
}
