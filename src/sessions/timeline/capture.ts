import type { Call } from "../../core/call.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import type { Manifest } from "../../snapshots/manifest.ts";
import type { ObjectStore } from "../../snapshots/store/object-store.ts";
import { receiveTar } from "../../snapshots/archive/receive.ts";
import type { Clock } from "../clock.ts";
import type { LiveSession } from "../live-session.ts";
import { withAbort } from "../lock.ts";
import { pullFiles } from "../pull.ts";
import { toPullDeps } from "../pull-deps.ts";
import type { SnapshotCause, SnapshotRecord } from "../snapshot-records.ts";
import type { Moment, Timeline } from "./timeline.ts";

/** What taking snapshots of sandboxes needs. */
export interface CaptureDeps {
  readonly timeline: Timeline;
  readonly store: ObjectStore;
}

// A sandbox that takes longer than this to say what it holds ends all the same.
const LAST_LOOK_MS = 30_000;

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
    return { ...known, tree: await lookInto(deps, session, call) };
  }, call.signal);
  return await deps.timeline.record(moment);
}

/** The same before the sandbox ends. Bounded in time, and never rejects: the sandbox ends all the same. */
export async function captureLast(
  deps: CaptureDeps & { readonly clock: Clock },
  session: LiveSession,
  cause: SnapshotCause,
  call: Call,
): Promise<void> {
  const { known, isUnchecked } = session.files;
  if (known.size === 0 && !isUnchecked) return;
  const deadline = new AbortController();
  const timer = deps.clock.after(LAST_LOOK_MS, () =>
    deadline.abort(new SandboxError("unavailable", "It did not say in time what it holds.")),
  );
  const signal = AbortSignal.any([call.signal, deadline.signal]);
  try {
    await withAbort(captureSession(deps, session, { cause }, { ...call, signal }), signal);
  } catch (error) {
    call.logger.warn(`No snapshot could be taken before a sandbox ended: ${toMessage(error)}`);
  } finally {
    timer.dispose();
  }
}

/**
 * What the sandbox holds now. `session.files` stays as it is: what a run changed is for that run to find. Call it under
 * the session's lock.
 */
export async function lookInto(
  { store }: Pick<CaptureDeps, "store">,
  session: LiveSession,
  call: Call,
): Promise<Manifest> {
  if (!session.files.isUnchecked) return session.files.known;
  const files = { ...session.files };
  await pullFiles(session.sandbox, files, toPullDeps(store, session.record, session), call);
  return files.known;
}

/** Brings contents of a session's sandbox into the store: it may have been filled before they were kept. */
export async function fetchContents(
  { store }: Pick<CaptureDeps, "store">,
  session: LiveSession,
  paths: readonly string[],
  call: Call,
): Promise<void> {
  const { limits } = toPullDeps(store, session.record, session);
  await session.lock(() => receiveTar(session.sandbox.collect(paths, call), store, limits), call.signal);
}
