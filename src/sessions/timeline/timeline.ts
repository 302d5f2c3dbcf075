import type { Logger } from "../../core/logger.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import type { Manifest } from "../../snapshots/manifest.ts";
import type { ObjectStore } from "../../snapshots/store/object-store.ts";
import type { TreeStore } from "../../snapshots/store/tree-store.ts";
import { toTreeHash } from "../../snapshots/tree-hash.ts";
import type { Clock } from "../clock.ts";
import type { EngineEvent } from "../engine.ts";
import { createLock } from "../lock.ts";
import type { Target } from "../records.ts";
import { createId } from "../sandbox-spec.ts";
import type { SnapshotCause, SnapshotRecord } from "../snapshot-records.ts";
import { findMissing } from "./keep-contents.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/** What a timeline is made from. */
export interface TimelineDeps {
  readonly snapshots: SnapshotStore;
  readonly trees: TreeStore;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Brings contents that the store lacks from that session's sandbox, if it is there. */
  readonly fetchContents: (sessionId: string, paths: readonly string[]) => Promise<void>;
  /** Which provider holds such a tree too; kept elsewhere, and never in a record on disk. */
  readonly findAcceleration: (
    tree: Pick<SnapshotRecord, "workspaceRoot" | "treeHash">,
  ) => SnapshotRecord["accelerated"];
  readonly onDidChange: (event: EngineEvent) => void;
  /** Something was added or may be removed: what is kept may have to be looked through. */
  readonly onDidGrow: () => void;
}

/** A state to be recorded. Its contents are in the store, or it is not recorded. */
export interface Moment {
  readonly tree: Manifest;
  /** The workspace as it was pushed when the sandbox held `tree`. */
  readonly base: Manifest;
  readonly workspaceRoot: string;
  readonly cause: SnapshotCause;
  readonly sessionId?: string;
  readonly runId?: string;
  readonly target?: Target;
  readonly envNames: readonly string[];
  readonly name?: string;
  /** Paths, folders as such, that were left out of `tree`; when it is not known, what the session's newest record says. */
  readonly leftOut: readonly string[] | undefined;
  /** Settles when the store has what was just sent. */
  readonly kept?: Promise<void>;
}

/** The snapshots of every workspace. Changes of it are made one after the other. */
export class Timeline {
  readonly #deps: TimelineDeps;
  readonly #records = new Map<string, SnapshotRecord>();
  readonly #lock = createLock();
  /** By session, or workspace: the last tree that is known to be complete. */
  readonly #complete = new Map<string, Manifest>();
  #pending: Promise<unknown> = Promise.resolve();

  constructor(deps: TimelineDeps) {
    this.#deps = deps;
  }

  /** Takes over what is on disk. */
  async load(): Promise<void> {
    const records = await this.#deps.snapshots.read();
    for (const record of [...records].sort((a, b) => (a.id < b.id ? -1 : 1))) this.#records.set(record.id, record);
  }

  /** Newest first. */
  list(): readonly SnapshotRecord[] {
    return this.#newestFirst().map((record) => this.#show(record));
  }

  #newestFirst(): readonly SnapshotRecord[] {
    // Of two in the same millisecond the later one counts as newer.
    return [...this.#records.values()]
      .toReversed()
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  }

  /** @throws {SandboxError} `not-found` */
  find(snapshotId: string): SnapshotRecord {
    const record = this.#records.get(snapshotId);
    if (!record) throw new SandboxError("not-found", "There is no snapshot with that id. It may have been deleted.");
    return record;
  }

  /** Which files it has. @throws {SandboxError} `not-found` */
  async readTree(snapshotId: string): Promise<Manifest> {
    return await this.#deps.trees.read(this.find(snapshotId).treeHash);
  }

  /** The workspace as it was pushed when these files were in the sandbox; the files themselves when that is not known. */
  async readBase(snapshotId: string): Promise<Manifest> {
    const { treeHash, baseTreeHash } = this.find(snapshotId);
    return await this.#deps.trees.read(baseTreeHash).catch(() => this.#deps.trees.read(treeHash));
  }

  /** The text of one file; "" when the snapshot has no such file. @throws {SandboxError} when it is not kept */
  async readText(snapshotId: string, path: string): Promise<string> {
    const entry = (await this.readTree(snapshotId)).get(path);
    const pieces: Uint8Array[] = [];
    if (entry?.type === "file") for await (const piece of this.#deps.store.read(entry.sha256)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  async readLeftOut(snapshotId: string): Promise<readonly string[]> {
    return await this.#deps.snapshots.readLeftOut(this.find(snapshotId).id);
  }

  /**
   * Records a state; the newest record of the same session (or of the workspace's own states) when that has the same
   * files and the new one no name. @throws {SandboxError} `unavailable` when contents are missing or cannot be written
   */
  async record(moment: Moment): Promise<SnapshotRecord> {
    // When it was so, however long those before it take.
    const at = this.#deps.clock.now();
    return await this.#lock(async () => {
      await moment.kept;
      return this.#show(await this.#record(moment, at));
    });
  }

  /** The same in the background: what goes wrong is logged. */
  note(moment: Moment): void {
    const recording = this.record(moment).catch((error: unknown) =>
      this.#deps.logger.warn(`No snapshot was recorded (${moment.cause}): ${toMessage(error)}`),
    );
    this.#pending = Promise.all([this.#pending, recording]);
  }

  /** Resolves once nothing is being recorded any more. */
  async flush(): Promise<void> {
    await this.#pending;
    await this.#lock(async () => undefined);
  }

  /** An empty name removes it. */
  async update(
    snapshotId: string,
    change: { readonly name?: string; readonly isPinned?: boolean },
  ): Promise<SnapshotRecord> {
    return await this.#lock(async () => {
      const { name: oldName, ...rest } = this.find(snapshotId);
      const name = change.name === undefined ? oldName : change.name.trim();
      const changed = { ...rest, isPinned: change.isPinned ?? rest.isPinned, ...(name ? { name } : {}) };
      return this.#show(await this.#save(changed));
    });
  }

  /** Idempotent. */
  async remove(snapshotId: string): Promise<void> {
    await this.#lock(async () => {
      if (!this.#records.delete(snapshotId)) return;
      await this.#deps.snapshots.remove(snapshotId);
      this.#deps.onDidChange({ type: "snapshot-deleted", snapshotId });
    });
    this.#deps.onDidGrow();
  }

  async #record(moment: Moment, at: number): Promise<SnapshotRecord> {
    const before = this.#findNewest(moment);
    const treeHash = toTreeHash(moment.tree);
    if (before?.treeHash === treeHash && moment.name === undefined) return await this.#rebase(before, moment.base);
    await this.#checkComplete(moment);
    await this.#deps.trees.save(moment.tree);
    const baseTreeHash = await this.#deps.trees.save(moment.base);
    const record = toRecord(moment, { treeHash, baseTreeHash, at });
    const leftOut = moment.leftOut ?? (before ? await this.#deps.snapshots.readLeftOut(before.id) : []);
    await this.#deps.snapshots.saveLeftOut(record.id, leftOut);
    await this.#save(record);
    this.#deps.onDidGrow();
    return record;
  }

  // The same files, but the workspace has moved: a run's changes were applied, say.
  async #rebase(record: SnapshotRecord, base: Manifest): Promise<SnapshotRecord> {
    if (record.baseTreeHash === toTreeHash(base)) return record;
    return await this.#save({ ...record, baseTreeHash: await this.#deps.trees.save(base) });
  }

  #findNewest({ workspaceRoot, sessionId }: Moment): SnapshotRecord | undefined {
    return this.#newestFirst().find(
      (record) => record.workspaceRoot === workspaceRoot && record.sessionId === sessionId && record.cause !== "import",
    );
  }

  async #checkComplete({ tree, sessionId, workspaceRoot }: Moment): Promise<void> {
    const { store, fetchContents } = this.#deps;
    const key = sessionId ?? workspaceRoot;
    let missing = await findMissing(tree, store, this.#complete.get(key));
    if (missing.length > 0 && sessionId !== undefined) {
      await fetchContents(sessionId, missing);
      missing = await findMissing(tree, store);
    }
    if (missing.length > 0)
      throw new SandboxError("unavailable", `The contents of ${missing.length} of its files are not kept any more.`);
    this.#complete.set(key, tree);
  }

  /** Tells of a tree's records anew: whether a provider holds it too has changed. */
  announce({ workspaceRoot, treeHash }: Pick<SnapshotRecord, "workspaceRoot" | "treeHash">): void {
    for (const record of this.#records.values()) {
      if (record.workspaceRoot === workspaceRoot && record.treeHash === treeHash)
        this.#deps.onDidChange({ type: "snapshot", snapshot: this.#show(record) });
    }
  }

  /** What was complete may no longer be: contents have been removed. */
  forgetComplete(): void {
    this.#complete.clear();
  }

  async #save(record: SnapshotRecord): Promise<SnapshotRecord> {
    await this.#deps.snapshots.save(record);
    this.#records.set(record.id, record);
    this.#deps.onDidChange({ type: "snapshot", snapshot: this.#show(record) });
    return record;
  }

  #show(record: SnapshotRecord): SnapshotRecord {
    const accelerated = this.#deps.findAcceleration(record);
    return accelerated ? { ...record, accelerated } : record;
  }
}

function toRecord(
  moment: Moment,
  { treeHash, baseTreeHash, at }: { treeHash: string; baseTreeHash: string; at: number },
): SnapshotRecord {
  const { tree, workspaceRoot, cause, envNames, name, sessionId, runId, target } = moment;
  const sizes = Array.from(tree.values(), (entry) => (entry.type === "file" ? entry.sizeBytes : 0));
  return {
    version: 1,
    id: createId({ now: () => at }),
    treeHash,
    baseTreeHash,
    workspaceRoot,
    cause,
    envNames,
    isPinned: false,
    createdAt: new Date(at).toISOString(),
    fileCount: [...tree.values()].filter(({ type }) => type !== "directory").length,
    totalBytes: sizes.reduce((sum, size) => sum + size, 0),
    ...(name ? { name } : {}),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(runId === undefined ? {} : { runId }),
    ...(target === undefined ? {} : { target }),
  };
}
