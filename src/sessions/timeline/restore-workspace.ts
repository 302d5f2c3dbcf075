import type { Manifest } from "../../snapshots/manifest.ts";
import { type PlannedChange, planChanges } from "../../snapshots/changes/merge.ts";
import { parentsOf } from "../plan-push.ts";

/**
 * What it takes to make the workspace what a snapshot was, in path order. What the snapshot left out is not touched: it
 * says nothing about that.
 * @param ours the workspace now
 */
export function planRestore(ours: Manifest, snapshot: Manifest, leftOut: readonly string[]): readonly PlannedChange[] {
  const unknown = new Set(leftOut);
  const isUnknown = (path: string): boolean =>
    unknown.has(path) || parentsOf(path).some((parent) => unknown.has(parent));
  return planChanges(ours, snapshot).filter(({ path, theirs }) => theirs !== undefined || !isUnknown(path));
}
