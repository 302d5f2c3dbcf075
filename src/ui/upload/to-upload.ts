import { readOverlays, type RunInput } from "../run-request.ts";
import { readSetting } from "../settings.ts";
import { readTarget } from "../target.ts";
import type { Upload } from "./consent.ts";

/** What a run of it would send, as it is on screen now. */
export function toUpload({ folder, target }: Pick<RunInput, "folder" | "target">): Upload {
  return {
    folder,
    target: target ?? readTarget(folder.uri),
    overlays: readOverlays(folder),
    maxFileMiB: readSetting("sync.maxFileMiB", folder.uri),
  };
}
