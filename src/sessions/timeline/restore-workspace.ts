import type { Manifest } from "../../snapshots/manifest.ts";
import { isProtectedPath, planChanges } from "../../snapshots/merge.ts";
import { parentsOf } from "../plan-push.ts";
import type { Change } from "../records.ts";

/**
 * What it takes to make the workspace what a snapshot was, in path order. What the snapshot left out is not touched: it
 * says nothing about that.
 * @param ours the workspace now
 */
export function planRestore(ours: Manifest, snapshot: Manifest, leftOut: readonly string[]): readonly Change[] {
  const unknown = new Set(leftOut);
  const isUnknown = (path: string): boolean =>
    unknown.has(path) || parentsOf(path).some((parent) => unknown.has(parent));
  return planChanges(ours, snapshot)
    .filter(({ path, theirs }) => theirs !== undefined || !isUnknown(path))
    .map((planned) => ({ ...planned, decision: "pending", isProtected: isProtectedPath(planned.path) }));
}
