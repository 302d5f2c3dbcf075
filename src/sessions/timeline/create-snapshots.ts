import type { Call } from "../../core/call.ts";
import type { Logger } from "../../core/logger.ts";
import type { Provider } from "../../core/provider.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import type { ObjectStore } from "../../snapshots/store/object-store.ts";
import type { Scanner } from "../../snapshots/scan/scanner.ts";
import { createTreeStore } from "../../snapshots/store/tree-store.ts";
import type { ChangeSetStore } from "../change-set-store.ts";
import type { Clock } from "../clock.ts";
import type { EngineEvent } from "../engine.ts";
import type { LiveSession } from "../live-session.ts";
import { createNative } from "../native/create-native.ts";
import type { NativeDesk } from "../native/native-desk.ts";
import type { NativeRecords } from "../native/native-records.ts";
import type { RunRecord, SessionRecord, Target } from "../records.ts";
import type { RunStore } from "../run-store.ts";
import type { SnapshotRecord } from "../snapshot-records.ts";
import type { SessionPool } from "../session-pool.ts";
import type { StateFolder } from "../state-folder.ts";
import type { UploadCheckDeps } from "../upload-check.ts";
import { captureLast, fetchContents } from "./capture.ts";
import { readLiveObjects } from "./live-objects.ts";
import { SnapshotDesk } from "./snapshot-desk.ts";
import { createSnapshotStore } from "./snapshot-store.ts";
import { Storage } from "./storage.ts";
import { Timeline } from "./timeline.ts";

/** What snapshots are made of. */
export interface SnapshotsDeps {
  readonly state: StateFolder;
  readonly store: ObjectStore;
  readonly scanner: Scanner;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pool: SessionPool;
  readonly runs: RunStore;
  readonly listRuns: () => readonly RunRecord[];
  readonly changeSets: ChangeSetStore;
  readonly onDidChange: (event: EngineEvent) => void;
  readonly uploads: UploadCheckDeps;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly newCall: () => Call;
  readonly isShared: boolean;
}

/** The snapshots of an engine: what there is, what can be done with it, and the room that it takes. */
export interface Snapshots {
  readonly timeline: Timeline;
  readonly desk: SnapshotDesk;
  readonly storage: Storage;
  /** What providers keep, and which of it there is: an accelerator of snapshots. */
  readonly native: NativeDesk;
  readonly savedWorkspaces: NativeRecords;
  /** Forgets one, and has providers forget its files when no other has the same. Idempotent. */
  readonly remove: (snapshotId: string) => Promise<void>;
  /** Keeps what a session's sandbox holds before it ends; never rejects. */
  readonly keepLast: (session: LiveSession, cause: "destroy" | "expiry") => Promise<void>;
  /** A new session with what the last snapshot of that one has; undefined when there is none that can be used. Never rejects. */
  readonly restoreLast: (session: SessionRecord, call: Call) => Promise<LiveSession | undefined>;
}

/** Reads nothing yet: `load` of the timeline, the storage and the saved workspaces does. */
export function createSnapshots(deps: SnapshotsDeps): Snapshots {
  const { state, store, clock, logger } = deps;
  const trees = createTreeStore(state.trees);
  const native = createNative({ ...deps, trees, onDidChange: (tree) => timeline.announce(tree) });
  const timeline: Timeline = new Timeline({
    snapshots: createSnapshotStore(state.snapshots, logger),
    trees,
    store,
    clock,
    logger,
    fetchContents: async (sessionId, paths) => {
      const session = deps.pool.findLive(sessionId);
      if (session) await fetchContents(deps, session, paths, deps.newCall());
    },
    findAcceleration: (tree) => native.records.findAcceleration(tree),
    onDidChange: deps.onDidChange,
    onDidGrow: () => storage.tidyLater(),
  });
  const storage: Storage = new Storage({
    state,
    timeline,
    trees,
    clock,
    logger,
    isShared: deps.isShared,
    readLiveObjects: () => readLiveObjects(deps),
    listNativeTrees: () => native.records.listTrees(),
  });
  const keepLast: Snapshots["keepLast"] = async (session, cause) => {
    const call = deps.newCall();
    await native.desk.settle(session.record.id);
    await captureLast({ timeline, store, clock }, session, cause, call);
    await native.desk.saveLast(session, call);
  };
  const desk = new SnapshotDesk({ ...deps, timeline, native: native.desk });
  return {
    timeline,
    storage,
    desk,
    native: native.desk,
    savedWorkspaces: native.records,
    remove: (snapshotId) => remove(timeline, native.records, snapshotId),
    keepLast,
    restoreLast: (session, call) => restoreLast({ timeline, desk, pool: deps.pool }, session, call),
  };
}

async function restoreLast(
  { timeline, desk, pool }: Pick<Snapshots, "timeline" | "desk"> & Pick<SnapshotsDeps, "pool">,
  { id, target }: SessionRecord,
  call: Call,
): Promise<LiveSession | undefined> {
  const last = timeline.list().find(({ sessionId }) => sessionId === id);
  if (!last) return undefined;
  try {
    return pool.findLive((await desk.restoreSession(last.id, target)).id);
  } catch (error) {
    call.logger.warn(`The last snapshot of a session could not be restored: ${toMessage(error)}`);
    return undefined;
  }
}

async function remove(timeline: Timeline, saved: NativeRecords, snapshotId: string): Promise<void> {
  const removed = timeline.list().find(({ id }) => id === snapshotId);
  await timeline.remove(snapshotId);
  const isSame = ({ workspaceRoot, treeHash }: SnapshotRecord): boolean =>
    workspaceRoot === removed?.workspaceRoot && treeHash === removed.treeHash;
  if (removed && !timeline.list().some(isSame)) await saved.giveUpTree(removed);
}
