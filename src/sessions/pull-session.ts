import type { Call } from "../core/call.ts";
import { isSameEntry } from "../snapshots/manifest.ts";
import { type PlannedChange, planChanges } from "../snapshots/changes/merge.ts";
import type { ObjectStore } from "../snapshots/store/object-store.ts";
import type { ChangeDesk } from "./change-desk.ts";
import type { ChangeSetStore } from "./change-set-store.ts";
import { checkIsThere, withoutSame } from "./changes.ts";
import type { LiveSession } from "./live-session.ts";
import { proposeChanges } from "./propose-changes.ts";
import { pullFiles } from "./pull.ts";
import { toPullDeps } from "./pull-deps.ts";
import type { SessionPool } from "./session-pool.ts";
import type { ChangeSetRecord } from "./snapshot-records.ts";

/** What bringing a session's files back needs. */
export interface PullSessionDeps {
  readonly pool: SessionPool;
  readonly store: ObjectStore;
  readonly changeSets: ChangeSetStore;
  readonly desk: ChangeDesk;
}

/**
 * Everything in which the session's sandbox differs from the workspace as it was last pushed and that nobody has decided
 * about, as one change set: what no run tells of, and what runs still offer. What is offered twice is decided once, for
 * both. An earlier pull of the session gives up what is pending there: this one has it, or it is no more.
 * @throws {SandboxError} `not-found` when the session has no sandbox any more; `unavailable` when the workspace is not
 * there; what looking into the sandbox throws
 */
export async function pullSession(deps: PullSessionDeps, sessionId: string, call: Call): Promise<ChangeSetRecord> {
  const session = await deps.pool.open(sessionId, call);
  await checkIsThere(session.record.workspaceRoot);
  const { isUnchecked } = session.files;
  try {
    return await offer(deps, session, call);
  } catch (error) {
    // What was found and is not on record is for the next run, or pull, to tell of.
    session.files.isUnchecked ||= isUnchecked;
    throw error;
  }
}

async function offer(deps: PullSessionDeps, session: LiveSession, call: Call): Promise<ChangeSetRecord> {
  const { store, changeSets, desk } = deps;
  const { id: sessionId, workspaceRoot, name } = session.record;
  const found = await session.lock(() => look(deps, session, call), call.signal);
  const decided = await desk.readDecided(sessionId);
  const isOpen = (change: PlannedChange): boolean => {
    const earlier = found.seen.has(change) ? decided.get(change.path) : undefined;
    return earlier === undefined || !isSameEntry(earlier.theirs, change.theirs);
  };
  const changes = await proposeChanges(found.planned.filter(isOpen), store);
  const record = await changeSets.create({
    title: `Session ${name}: changes not yet decided`,
    workspaceRoot,
    cause: "pull",
    sessionId,
    changes: await withoutSame(workspaceRoot, changes),
  });
  await deps.pool.saveFiles(session);
  const sets = changeSets.list();
  const earlier = sets.slice(sets.findIndex(({ id }) => id === record.id) + 1);
  for (const set of earlier) if (set.cause === "pull" && set.sessionId === sessionId) await desk.dropPending(set);
  return record;
}

interface Found {
  readonly planned: readonly PlannedChange[];
  /** Those of `planned` that an earlier look had found already. */
  readonly seen: ReadonlySet<PlannedChange>;
}

async function look({ store }: PullSessionDeps, session: LiveSession, call: Call): Promise<Found> {
  const { files, record } = session;
  const before = files.known;
  await pullFiles(session.sandbox, files, toPullDeps(store, record, session), call);
  // This change set tells of what runs left that nobody looked at; a run that goes on will look for itself.
  if (session.runIds.size === 0) files.isUnchecked = false;
  // What was discarded goes away at the next push.
  const planned = planChanges(files.pushed, files.known).filter(({ path }) => !files.resend.has(path));
  return { planned, seen: new Set(planned.filter(({ path, theirs }) => isSameEntry(before.get(path), theirs))) };
}
