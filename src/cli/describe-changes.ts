import { toDisplay } from "../core/workspace-path.ts";
import type { ApplyResult } from "../sessions/engine.ts";
import type { ChangeCounts, ReviewedChange } from "../sessions/records.ts";

// More than that are told of by their number.
const MAX_NAMES = 20;

/** "2 added, 1 modified"; what there is none of is left out. */
export function describeCounts(counts: ChangeCounts): string {
  const parts = [
    [counts.added, "added"],
    [counts.modified, "modified"],
    [counts.deleted, "deleted"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(", ");
}

/** What has changes to decide: a run, or a change set of a restore or a pull. */
interface Changed {
  readonly id: string;
  readonly changes?: ChangeCounts;
}

/** One line on what changed and what to do about it, or undefined when there is nothing to decide. */
export function describePending({ id, changes }: Changed): string | undefined {
  if (!changes || changes.pending === 0) return undefined;
  return `Changed files: ${describeCounts(changes)}. Review with: sandpiper changes ${id}; write with: sandpiper apply ${id}`;
}

/** What applying came to, a line for each kind. */
export function describeApplied(runId: string, { applied, merged, conflicts, held }: ApplyResult): readonly string[] {
  return [
    ...(applied.length > 0 ? [`Written: ${joinPaths(applied)}`] : []),
    ...(merged.length > 0 ? [`Of those merged with what changed here: ${joinPaths(merged)}`] : []),
    ...(conflicts.length > 0
      ? [
          `Left alone, as they changed here meanwhile: ${joinPaths(conflicts)}. Overwrite with: sandpiper apply ${runId} --overwrite PATH…`,
        ]
      : []),
    ...(held.length > 0
      ? [
          `Left alone, as tools act on them by themselves: ${joinPaths(held)}. See why with: sandpiper changes ${runId}; write with: sandpiper apply ${runId} PATH…`,
        ]
      : []),
  ];
}

const LETTERS = { added: "A", modified: "M", deleted: "D" } as const;

const OBSTACLES = {
  ready: [],
  same: ["already so here"],
  merge: ["changed here too: will be merged"],
  conflict: ["conflict: changed here too"],
} as const;

/** A line per change: kind, path, and what stands in the way or was decided. */
export function describeChange(change: ReviewedChange): string {
  const { path, kind, status, decision, renamedFrom } = change;
  const remarks = [
    ...(renamedFrom === undefined ? [] : [`renamed from ${toDisplay(renamedFrom)}`]),
    ...(decision === "pending" ? OBSTACLES[status] : [decision]),
    ...describeProtection(change),
  ];
  return `${LETTERS[kind]} ${toDisplay(path)}${remarks.length > 0 ? ` (${remarks.join(", ")})` : ""}`;
}

function describeProtection({ isProtected, protectedBecause }: ReviewedChange): readonly string[] {
  if (!isProtected) return [];
  return [protectedBecause === undefined ? "protected" : `protected: ${protectedBecause}`];
}

function joinPaths(paths: readonly string[]): string {
  const shown = paths.slice(0, MAX_NAMES).map((path) => toDisplay(path));
  return paths.length > MAX_NAMES ? `${shown.join(", ")} and ${paths.length - MAX_NAMES} more` : shown.join(", ");
}
