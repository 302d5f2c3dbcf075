import { SandboxError } from "../core/sandbox-error.ts";
import type { SnapshotEngine } from "./snapshot-engine.ts";

/** Everything about snapshots but the uploads and change sets that other desks know. */
export type SnapshotDesk = Omit<SnapshotEngine, "listChangeSets" | "pullSession" | "previewUpload" | "allowSecrets">;

export async function notYet(): Promise<never> {
  throw new SandboxError("unsupported", "not yet");
}
