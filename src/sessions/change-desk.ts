import type { Logger } from "../core/logger.ts";
import type { ObjectStore } from "../snapshots/store/object-store.ts";
import { isSameEntry } from "../snapshots/manifest.ts";
import type { ChangeSetStore } from "./change-set-store.ts";
import { applyChangesToDisk, checkIsThere, countChanges, reviewChanges, selectPending } from "./changes.ts";
import type { ApplyResult, PathSelection } from "./engine.ts";
import { createLocks } from "./lock.ts";
import type { Change, ReviewedChange, RunRecord } from "./records.ts";
import type { RunStore } from "./run-store.ts";
import { readSessionFiles, type SessionFiles, writeResend } from "./session-files.ts";
import type { SessionPool } from "./session-pool.ts";
import type { ChangeSetRecord } from "./snapshot-records.ts";
import { type StateFolder, toSessionFolder } from "./state-folder.ts";

/** Whose changes are decided. */
export type ChangeOwner = RunRecord | ChangeSetRecord;

/** What deciding changes needs. */
export interface ChangeDeskDeps {
  readonly state: StateFolder;
  readonly store: ObjectStore;
  readonly runs: RunStore;
  readonly changeSets: ChangeSetStore;
  readonly pool: SessionPool;
  readonly logger: Logger;
  /** Every run on record. */
  readonly listRuns: () => readonly RunRecord[];
  /** Called with a run's id and the counts that now hold; a change set's are told by its store. */
  readonly onDidDecide: (runId: string, counts: NonNullable<RunRecord["changes"]>) => Promise<void>;
}

type Decision = Exclude<Change["decision"], "pending">;

/**
 * Lets the user decide what becomes of the files that runs changed, and of what restoring or pulling would change. One
 * decision per workspace at a time. What a session offers twice (by a run and by a pull) is decided once, for both.
 */
export class ChangeDesk {
  readonly #deps: ChangeDeskDeps;
  readonly #locks = createLocks();

  constructor(deps: ChangeDeskDeps) {
    this.#deps = deps;
  }

  async read(owner: ChangeOwner): Promise<readonly ReviewedChange[]> {
    await checkIsThere(owner.workspaceRoot);
    return await reviewChanges(owner.workspaceRoot, await this.readChanges(owner), this.#deps.store);
  }

  /** As they are on record, not held against the disk. */
  async readChanges(owner: ChangeOwner): Promise<readonly Change[]> {
    const { changeSets, runs } = this.#deps;
    return await (isChangeSet(owner) ? changeSets.readChanges(owner.id) : runs.readChanges(owner.id));
  }

  async apply(owner: ChangeOwner, paths: PathSelection, overwrite: readonly string[]): Promise<ApplyResult> {
    await checkIsThere(owner.workspaceRoot);
    return await this.#locks(owner.workspaceRoot)(async () => {
      const changes = await this.readChanges(owner);
      const done = new Set<string>();
      const request = { root: owner.workspaceRoot, changes, paths, overwrite, store: this.#deps.store };
      try {
        return await applyChangesToDisk(request, (path) => done.add(path));
      } finally {
        await this.#decide(owner, changes, { paths: done, decision: "applied" });
      }
    });
  }

  async discard(owner: ChangeOwner, paths: PathSelection): Promise<void> {
    await this.#locks(owner.workspaceRoot)(async () => {
      const changes = await this.readChanges(owner);
      const discarded = selectPending(changes, paths);
      await this.#decide(owner, changes, {
        paths: new Set(discarded.map(({ path }) => path)),
        decision: "discarded",
      });
      const sessionId = toOfferingSession(owner);
      if (sessionId !== undefined) await this.#sendAgain(sessionId, discarded);
    });
  }

  /** The change of each path that was decided last, of what that session's sandbox holds or has held; not when it is offered anew. */
  async readDecided(sessionId: string): Promise<ReadonlyMap<string, Change>> {
    const newest = new Map<string, Change>();
    for (const owner of this.#listOffers(sessionId))
      for (const change of await this.readChanges(owner)) if (!newest.has(change.path)) newest.set(change.path, change);
    return new Map([...newest].filter(([, { decision }]) => decision !== "pending"));
  }

  /** Leaves of a change set what is decided. */
  async dropPending(set: ChangeSetRecord): Promise<void> {
    await this.#locks(set.workspaceRoot)(async () => {
      const changes = await this.readChanges(set);
      const decided = changes.filter(({ decision }) => decision !== "pending");
      if (decided.length < changes.length) await this.#save(set, decided);
    });
  }

  // Everybody who offers, or has offered, what that session's sandbox holds; newest first.
  #listOffers(sessionId: string): readonly ChangeOwner[] {
    const { changeSets, listRuns } = this.#deps;
    return [...listRuns(), ...changeSets.list()]
      .filter((owner) => toOfferingSession(owner) === sessionId)
      .sort((a, b) => Date.parse(toTime(b)) - Date.parse(toTime(a)));
  }

  async #decide(
    owner: ChangeOwner,
    changes: readonly Change[],
    { paths, decision }: { paths: ReadonlySet<string>; decision: Decision },
  ): Promise<void> {
    if (paths.size === 0) return;
    const isNow = ({ path }: Change): boolean => paths.has(path);
    await this.#save(owner, withDecision(changes, isNow, decision));
    const sessionId = toOfferingSession(owner);
    if (sessionId === undefined) return;
    const decided = new Map(changes.filter(isNow).map((change) => [change.path, change]));
    for (const other of this.#listOffers(sessionId))
      if (other.id !== owner.id && (other.changes?.pending ?? 0) > 0) await this.#decideAlike(other, decided, decision);
  }

  async #decideAlike(other: ChangeOwner, decided: ReadonlyMap<string, Change>, decision: Decision): Promise<void> {
    const changes = await this.readChanges(other);
    const isAlike = (change: Change): boolean => {
      const same = decided.get(change.path);
      return change.decision === "pending" && same !== undefined && isSameEntry(same.theirs, change.theirs);
    };
    if (changes.some(isAlike)) await this.#save(other, withDecision(changes, isAlike, decision));
  }

  async #save(owner: ChangeOwner, changes: readonly Change[]): Promise<void> {
    if (isChangeSet(owner)) {
      await this.#deps.changeSets.saveChanges(owner.id, changes);
      return;
    }
    await this.#deps.runs.saveChanges(owner.id, changes);
    await this.#deps.onDidDecide(owner.id, countChanges(changes));
  }

  // What a later run made of a file is that run's change, to be decided there.
  async #sendAgain(sessionId: string, discarded: readonly Change[]): Promise<void> {
    const { pool, state } = this.#deps;
    if (pool.find(sessionId)?.state !== "ready") return;
    const folder = toSessionFolder(state, sessionId);
    const live = pool.findLive(sessionId);
    const mark = async (files: SessionFiles): Promise<void> => {
      for (const { path, theirs } of discarded) if (isSameEntry(files.known.get(path), theirs)) files.resend.add(path);
      await writeResend(folder, files);
    };
    if (live) await live.lock(() => mark(live.files));
    else await readSessionFiles(folder).then(mark);
  }
}

function isChangeSet(owner: ChangeOwner): owner is ChangeSetRecord {
  return "cause" in owner;
}

// A restore offers what a snapshot has, whichever session that was of.
function toOfferingSession(owner: ChangeOwner): string | undefined {
  return isChangeSet(owner) && owner.cause === "restore" ? undefined : owner.sessionId;
}

function toTime(owner: ChangeOwner): string {
  return isChangeSet(owner) ? owner.createdAt : owner.requestedAt;
}

function withDecision(
  changes: readonly Change[],
  isMeant: (change: Change) => boolean,
  decision: Decision,
): readonly Change[] {
  return changes.map((change) => (isMeant(change) ? { ...change, decision } : change));
}
