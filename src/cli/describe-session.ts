import { toDisplay } from "../core/workspace-path.ts";
import { describeUsd } from "../sessions/cost/budget.ts";
import type { SessionRecord } from "../sessions/records.ts";
import type { SnapshotRecord } from "../sessions/snapshot-records.ts";

/** What became of a session: its sandbox is there, its provider keeps it, a snapshot of it is, or nothing is left. */
export type SessionState =
  | { readonly kind: "starting" | "running" | "paused" | "ending" | "lost" }
  /** Its newest snapshot. */
  | { readonly kind: "restorable"; readonly snapshotId: string };

/** @param snapshots newest first */
export function toSessionState({ id, state }: SessionRecord, snapshots: readonly SnapshotRecord[]): SessionState {
  if (state === "creating") return { kind: "starting" };
  if (state === "ready") return { kind: "running" };
  if (state === "paused") return { kind: "paused" };
  if (state === "destroying") return { kind: "ending" };
  const newest = snapshots.find(({ sessionId }) => sessionId === id);
  return newest ? { kind: "restorable", snapshotId: newest.id } : { kind: "lost" };
}

/** A row of the list. */
export function describeSession(session: SessionRecord, state: SessionState): string {
  const { id, target, boundary, expiresAt, endReason, workspaceRoot, exitImage } = session;
  const when =
    state.kind === "restorable"
      ? `from snapshot ${state.snapshotId}`
      : state.kind === "lost"
        ? toDisplay(endReason ?? "")
        : `until ${expiresAt.slice(0, 16).replace("T", " ")} UTC`;
  const image = exitImage === undefined ? "" : `image ${toDisplay(exitImage)}`;
  const what = session.isWarm ? "kept ready" : toDisplay(workspaceRoot);
  const gpu = session.gpu ?? target.gpu ?? "";
  const price = session.rate && state.kind === "running" ? `${describeUsd(session.rate.usdPerHour)} an hour` : "";
  const parts = [id, state.kind.padEnd(10), target.providerId, boundary, gpu, when, price, image, what];
  return parts.filter((part) => part !== "").join("  ");
}
