import type { Call } from "../../core/call.ts";
import type { BatchSource } from "../batch/batch-source.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { ObjectStore } from "../../snapshots/store/object-store.ts";
import { type Clock, toIsoTime } from "../clock.ts";
import type { LiveSession } from "../live-session.ts";
import type { NativeDesk } from "../native/native-desk.ts";
import type { Target } from "../records.ts";
import type { SessionPool } from "../session-pool.ts";
import { bringTree } from "./bring-tree.ts";
import { captureSession, lookInto } from "./capture.ts";
import type { Timeline } from "./timeline.ts";

/** What bringing snapshots back into sandboxes needs. */
export interface RestoreDeps {
  readonly timeline: Timeline;
  readonly store: ObjectStore;
  readonly pool: SessionPool;
  readonly clock: Clock;
  readonly native: NativeDesk;
}

/** What to make of which snapshot. */
export interface RestoreRequest {
  readonly snapshotId: string;
  readonly target: Target;
  /** Used by no run but the one that it is made for; the snapshot then counts as what was pushed. */
  readonly isDetached?: boolean;
  /** Of a session that is for a run of a batch: has the snapshot's files at hand. */
  readonly source?: BatchSource;
}

/** A new session with the snapshot's files; nothing of it is left behind on failure. */
export async function restoreNewSession(deps: RestoreDeps, request: RestoreRequest, call: Call): Promise<LiveSession> {
  const { workspaceRoot, envNames } = deps.timeline.find(request.snapshotId);
  const { source } = request;
  // Before anything is made: what cannot be read cannot be restored.
  const tree = source?.snapshot.tree ?? (await deps.timeline.readTree(request.snapshotId));
  const base = request.isDetached ? tree : await deps.timeline.readBase(request.snapshotId);
  const leftOut = source?.snapshot.leftOut ?? (await deps.timeline.readLeftOut(request.snapshotId));
  const facts = {
    restoredFrom: request.snapshotId,
    envNames,
    ...(request.isDetached ? { isDetached: true } : {}),
    ...(source ? { batchId: source.batchId } : {}),
  };
  const fill = async (session: LiveSession, own: Call): Promise<void> => {
    const pack = source && ((paths: readonly string[]) => source.snapshot.pack(paths));
    await bringTree(deps, session, { tree, base, pack }, own);
    session.leftOut = leftOut;
  };
  const { target } = request;
  return await deps.pool.start({ workspaceRoot, target, facts, fill }, call, () => undefined);
}

/**
 * Replaces the files of a session's sandbox by the snapshot's, after they have been kept in a snapshot of their own.
 * @throws {SandboxError} `conflict` while a run uses it
 */
export async function restoreIntoSession(
  deps: RestoreDeps,
  { snapshotId, sessionId }: { readonly snapshotId: string; readonly sessionId: string },
  call: Call,
): Promise<LiveSession> {
  const { envNames, workspaceRoot } = deps.timeline.find(snapshotId);
  const tree = await deps.timeline.readTree(snapshotId);
  const base = await deps.timeline.readBase(snapshotId);
  const session = await deps.pool.open(sessionId, call);
  if (session.record.workspaceRoot !== workspaceRoot)
    throw new SandboxError("invalid", "That session belongs to another workspace. Restore into a new session.");
  checkIdle(session);
  await captureSession(deps, session, { cause: "restore" }, call);
  await session.lock(async () => {
    checkIdle(session);
    // What differs is told from what is there, also from what nobody has looked at before.
    session.files.known = await lookInto(deps, session, call);
    await bringTree(deps, session, { tree, base }, call);
  }, call.signal);
  session.leftOut = await deps.timeline.readLeftOut(snapshotId);
  await deps.pool.saveFiles(session);
  const names = [...new Set([...(session.record.envNames ?? []), ...envNames])].sort();
  const lastUsedAt = toIsoTime(deps.clock);
  await deps.pool.save({ ...session.record, restoredFrom: snapshotId, envNames: names, lastUsedAt });
  return session;
}

function checkIdle(session: LiveSession): void {
  if (session.runIds.size === 0) return;
  throw new SandboxError("conflict", "A run uses that session. Stop it, or restore into a new session.");
}
