import type { RunRecord, SessionRecord } from "./records.ts";

const KEPT_RUNS = 100;
const KEPT_MS = 30 * 24 * 60 * 60_000;

/** The ended runs to forget: beyond the newest 100, or older than 30 days. `runs` come newest first. */
export function selectOldRuns(runs: readonly RunRecord[], now: number): readonly RunRecord[] {
  return runs.filter(
    (run, at) => run.state === "ended" && (at >= KEPT_RUNS || now - Date.parse(run.requestedAt) > KEPT_MS),
  );
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
