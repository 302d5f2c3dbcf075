import type { PreparedRun } from "./prepare-run.ts";
import type { RunRecord } from "./records.ts";

const MAX_SKIPPED_ROWS = 100;
const MAX_NOTES = 50;

/** What a run's record says once its session holds the workspace. */
export function toPreparedPatch({ session, scan, sent }: PreparedRun): Partial<RunRecord> {
  const skipped = scan.skipped.slice(0, MAX_SKIPPED_ROWS).map(({ path, reason }) => ({ path, reason }));
  return { sessionId: session.record.id, skipped, skippedCount: scan.skipped.length, sent };
}

/**
 * The record with what is new, or itself when nothing is.
 * @param notes added to its own, those that are undefined left out, as far as there is room; progress goes with the state that it is of
 */
export function patchRun(
  record: RunRecord,
  patch: Partial<RunRecord>,
  notes: readonly (string | undefined)[],
): RunRecord {
  const added = notes.filter((note) => note !== undefined);
  if (added.length === 0 && Object.keys(patch).length === 0) return record;
  const all = [...(record.notes ?? []), ...added].slice(0, MAX_NOTES);
  const { progress, ...rest } = record;
  const keepsProgress = progress !== undefined && patch.state === undefined;
  return {
    ...rest,
    ...(keepsProgress ? { progress } : {}),
    ...patch,
    ...(all.length > 0 ? { notes: all } : {}),
  };
}
