import type { RunRecord, SessionRecord } from "./records.ts";

const KEPT_RUNS = 100;
const KEPT_BATCH_RUNS = 10_000;
const KEPT_MS = 30 * 24 * 60 * 60_000;

/**
 * The ended runs to forget: beyond the newest 100, of which a batch counts as one, or older than 30 days; of batches also
 * those beyond the newest 10,000 runs, but never of the newest batch. `runs` come newest first.
 */
export function selectOldRuns(runs: readonly RunRecord[], now: number): readonly RunRecord[] {
  const units = new Map<string, { readonly at: number; readonly before: number }>();
  let batchRuns = 0;
  return runs.filter((run) => {
    const key = run.batch?.id ?? run.id;
    const unit = units.get(key) ?? { at: units.size, before: run.batch ? batchRuns : 0 };
    units.set(key, unit);
    if (run.batch) batchRuns += 1;
    const isBeyond = unit.at >= KEPT_RUNS || unit.before >= KEPT_BATCH_RUNS;
    return run.state === "ended" && (isBeyond || now - Date.parse(run.requestedAt) > KEPT_MS);
  });
}

/**
 * The ended sessions to forget: those that no remaining run and no snapshot belongs to, a day after they were made at the
 * earliest.
 */
export function selectOldSessions(
  sessions: readonly SessionRecord[],
  users: readonly { readonly sessionId?: string }[],
  now: number,
): readonly SessionRecord[] {
  const used = new Set(users.map(({ sessionId }) => sessionId));
  // A day, so that what a run did that never got as far as having a record can still be looked up.
  const isOld = ({ createdAt }: SessionRecord): boolean => now - Date.parse(createdAt) > 24 * 60 * 60_000;
  return sessions.filter((session) => session.state === "ended" && !used.has(session.id) && isOld(session));
}
