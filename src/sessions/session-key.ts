import type { SessionRecord } from "./records.ts";
import { toTargetKey } from "./sandbox-spec.ts";

/** What sessions have alike that could serve the same request. */
export type WarmKey = Pick<SessionRecord, "workspaceRoot" | "target">;

/** Equal for them: they are found, and found again, one at a time. */
export function toWarmKey({ workspaceRoot, target }: WarmKey): string {
  return `${workspaceRoot}\n${toTargetKey(target)}`;
}

/**
 * Whether nobody needs the record once its sandbox has ended: a batch's run tells what there is to tell, and a sandbox that
 * nobody took has nothing to. One whose making failed may be there all the same: its record says where to look for it.
 */
export function isForgottenAtEnd({ batchId, isWarm, state }: SessionRecord): boolean {
  return (batchId !== undefined || isWarm === true) && state !== "creating";
}
