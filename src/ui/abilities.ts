import type { ProviderId } from "../core/provider.ts";
import type { Target } from "../sessions/records.ts";

/** What a provider's sandboxes can do beyond running code: each has its menu entries, which are absent elsewhere. */
export type Ability = "ports" | "images" | "gpus" | "pause";

/** As the providers' optional parts are; `pause` depends on how a sandbox was made, see {@link abilitiesOf}. */
const ABILITIES: Readonly<Record<ProviderId, readonly Ability[]>> = {
  local: [],
  docker: [],
  modal: ["ports", "images", "gpus"],
  e2b: ["ports", "images"],
  daytona: ["ports", "images", "gpus"],
};

/** Providers that charge for the time that a sandbox lives. */
const PRICED: ReadonlySet<ProviderId> = new Set(["modal", "e2b", "daytona"]);

/** What sandboxes made for that target can do. */
export function abilitiesOf({ providerId, options }: Pick<Target, "providerId" | "options">): readonly Ability[] {
  // Modal keeps a sandbox's memory only when it was told so at the start.
  return options["memorySnapshot"] === "true" ? [...ABILITIES[providerId], "pause"] : ABILITIES[providerId];
}

export function hasAbility(target: Pick<Target, "providerId" | "options">, ability: Ability): boolean {
  return abilitiesOf(target).includes(ability);
}

/** Whether sandboxes there cost money. */
export function isPricedProvider(providerId: ProviderId): boolean {
  return PRICED.has(providerId);
}
