import type { ProviderId } from "../core/provider.ts";
import { NO_GPU } from "../sessions/cost/no-gpu.ts";
import type { Target } from "../sessions/records.ts";

/** What a provider's sandboxes can do beyond running code: each has its menu entries, which are absent elsewhere. */
export type Ability = "ports" | "images" | "gpus" | "pause" | "interpreter";

/** As the providers' optional parts are; `pause` depends on how a sandbox was made, see {@link abilitiesOf}. */
const ABILITIES: Readonly<Record<ProviderId, readonly Ability[]>> = {
  local: ["interpreter"],
  docker: ["interpreter"],
  modal: ["ports", "images", "gpus", "interpreter"],
  e2b: ["ports", "images", "pause", "interpreter"],
  daytona: ["ports", "images", "gpus", "interpreter"],
};

/** Providers that charge for the time that a sandbox lives. */
const PRICED: ReadonlySet<ProviderId> = new Set(["modal", "e2b", "daytona"]);

/** As far as abilities depend on it. */
type Made = Pick<Target, "providerId" | "options" | "gpu">;

/** What sandboxes made for that target can do. */
export function abilitiesOf(target: Made): readonly Ability[] {
  const abilities = ABILITIES[target.providerId];
  return canPause(target) ? [...abilities, "pause"] : abilities;
}

/** Where that is not so for all of a provider's. */
function canPause({ providerId, options, gpu }: Made): boolean {
  // Modal keeps a sandbox's memory only when it was told so at the start; Daytona deletes one with a GPU when it stops.
  return providerId === "daytona" ? gpu === undefined || gpu === NO_GPU : options["memorySnapshot"] === "true";
}

export function hasAbility(target: Made, ability: Ability): boolean {
  return abilitiesOf(target).includes(ability);
}

/** Providers that can hold sandboxes to a list of hosts. */
const LISTING: ReadonlySet<ProviderId> = new Set(["modal", "e2b", "daytona"]);

/** Whether the network policy `allow-list` can be had there. */
export function canAllowHosts(providerId: ProviderId): boolean {
  return LISTING.has(providerId);
}

/** Whether sandboxes there cost money. */
export function isPricedProvider(providerId: ProviderId): boolean {
  return PRICED.has(providerId);
}
