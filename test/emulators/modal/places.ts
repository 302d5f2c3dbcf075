import path from "node:path";
import type { Bind } from "../shared/machine.ts";

/** What every machine is called. */
export const HOSTNAME = "modal";

/** What a machine sees below `/__modal`: all images, and what is written over those that are mounted, in its own folder. */
export function toBinds(folder: string, images: string): Bind[] {
  return [
    { from: images, to: "/__modal/images", isReadOnly: true },
    { from: path.join(folder, "mounts"), to: "/__modal/mounts" },
  ];
}
