import type { ProviderId } from "../core/provider.ts";

/** A setting that says what a provider's sandboxes start from. */
export type ImageSetting = "docker.image" | "modal.image" | "e2b.template" | "daytona.image";

const SETTINGS: Readonly<Partial<Record<ProviderId, ImageSetting>>> = {
  docker: "docker.image",
  modal: "modal.image",
  e2b: "e2b.template",
  daytona: "daytona.image",
};

/** Undefined where sandboxes start from nothing that could be chosen. */
export function toImageSetting(providerId: ProviderId): ImageSetting | undefined {
  return SETTINGS[providerId];
}
