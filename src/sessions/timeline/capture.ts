import { type Call, toCleanupCall } from "../../core/call.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import type { Manifest } from "../../snapshots/manifest.ts";
import type { ObjectStore } from "../../snapshots/object-store.ts";
import type { LiveSession } from "../live-session.ts";
import { pullFiles } from "../pull.ts";
import { toPullDeps } from "../pull-deps.ts";
import type { SnapshotCause, SnapshotRecord } from "../snapshot-records.ts";
import type { Moment, Timeline } from "./timeline.ts";

/** What taking snapshots of sandboxes needs. */
export interface CaptureDeps {
  readonly timeline: Timeline;
  readonly store: ObjectStore;
}

/** What made the snapshot, and the run that it belongs to. */
export interface CaptureReason {
  readonly cause: SnapshotCause;
  readonly runId?: string;
  readonly name?: string;
}

/** What the sandbox is known to hold at this moment. Reads nothing: call it under the session's lock. */
export function toMoment(session: LiveSession, reason: CaptureReason): Moment {
  const { record, files } = session;
  return {
    ...reason,
    tree: files.known,
    base: files.pushed,
    workspaceRoot: record.workspaceRoot,
    sessionId: record.id,
    target: record.target,
    envNames: record.envNames ?? [],
    leftOut: session.leftOut,
  };
}

/**
 * Looks at what the sandbox holds now, and records it. Waits for pushes and pulls that are under way; runs go on.
 * @throws {SandboxError} what looking and recording do
 */
export async function captureSession(
  deps: CaptureDeps,
  session: LiveSession,
  reason: CaptureReason,
  call: Call,
): Promise<SnapshotRecord> {
  const moment = await session.lock(async () => {
    const known = toMoment(session, reason);
    return session.files.isUnchecked ? { ...known, tree: await look(deps, session, call) } : known;
  }, call.signal);
  return await deps.timeline.record(moment);
}

/** The same before the sandbox ends. Bounded in time, and never rejects: the sandbox ends all the same. */
export async function captureLast(
  deps: CaptureDeps,
  session: LiveSession,
  cause: SnapshotCause,
  call: Call,
): Promise<void> {
  const own = toCleanupCall(call);
  try {
    await captureSession(deps, session, { cause }, own);
  } catch (error) {
    own.logger.warn(`No snapshot could be taken before a sandbox ended: ${toMessage(error)}`);
  }
}

// Into a copy: what a run changed is for that run to find.
async function look(deps: CaptureDeps, session: LiveSession, call: Call): Promise<Manifest> {
  const files = { ...session.files };
  await pullFiles(session.sandbox, files, toPullDeps(deps.store, session.record, session), call);
  return files.known;
}
