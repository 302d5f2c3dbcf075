import type { RetentionPolicy, SnapshotRecord } from "../snapshot-records.ts";

/** What is kept until the user says otherwise. */
export const DEFAULT_RETENTION: RetentionPolicy = { maxSnapshots: 100, maxAgeDays: 30, maxTotalMiB: 2048 };

const DAY_MS = 24 * 60 * 60_000;

/** Whether the user asked for it to be kept. */
export function isKept({ isPinned, name }: SnapshotRecord): boolean {
  return isPinned || name !== undefined;
}

/**
 * The snapshots to remove: older than the policy has it, or beyond its number in their workspace. The newest of a session
 * counts for nothing there: it is what the session would be restored from.
 * @param records newest first
 */
export function selectOldSnapshots(
  records: readonly SnapshotRecord[],
  policy: RetentionPolicy,
  now: number,
): readonly SnapshotRecord[] {
  const counts = new Map<string, number>();
  const sessions = new Set<string>();
  return records.filter((record) => {
    if (isKept(record)) return false;
    const isNewestOfSession = record.sessionId !== undefined && !sessions.has(record.sessionId);
    if (record.sessionId !== undefined) sessions.add(record.sessionId);
    const count = (counts.get(record.workspaceRoot) ?? 0) + (isNewestOfSession ? 0 : 1);
    counts.set(record.workspaceRoot, count);
    const isBeyond = !isNewestOfSession && count > policy.maxSnapshots;
    return isBeyond || now - Date.parse(record.createdAt) > policy.maxAgeDays * DAY_MS;
  });
}
