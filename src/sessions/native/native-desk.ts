import { type Call, toCleanupCall } from "../../core/call.ts";
import type { Logger } from "../../core/logger.ts";
import type { Progress, Provider } from "../../core/provider.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import type { Manifest } from "../../snapshots/manifest.ts";
import type { TreeStore } from "../../snapshots/store/tree-store.ts";
import { toTreeHash } from "../../snapshots/tree-hash.ts";
import { type Clock, toIsoTime } from "../clock.ts";
import type { LiveSession } from "../live-session.ts";
import { withAbort } from "../lock.ts";
import type { Target } from "../records.ts";
import { createId } from "../sandbox-spec.ts";
import type { SessionPool } from "../session-pool.ts";
import { sumSizes } from "../upload-size.ts";
import { chooseNearest } from "./choose-nearest.ts";
import { mountWorkspace, type NativeTree } from "./mount-workspace.ts";
import type { Mounted } from "./describe-mount.ts";
import type { NativeRecords } from "./native-records.ts";
import type { NativeRecord } from "./native-store.ts";
import { ChangedMeanwhile, saveWorkspace } from "./save-workspace.ts";

/** What saving and mounting workspaces at providers needs. */
export interface NativeDeskDeps {
  readonly records: NativeRecords;
  readonly trees: TreeStore;
  readonly pool: SessionPool;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newCall: () => Call;
  /** Never rejects. */
  readonly deleteSaved: (saved: Pick<NativeRecord, "target" | "place" | "savedId">) => Promise<void>;
}

const DAY_MS = 24 * 60 * 60_000;
/** How long a provider is asked to keep a workspace. */
const TTL_MS = 7 * DAY_MS;
/** What is less is sent faster than it is mounted and looked through. */
const MIN_BYTES = 256 * 1024;
/** What has to have been sent since the last save for a command to wait for the next one. */
const MUCH_BYTES = 16 * 1024 ** 2;
// A provider that takes longer than this is not waited for.
const SAVE_MS = 2 * 60_000;
const LAST_SAVE_MS = 60_000;

/**
 * Has providers keep workspaces, and new sandboxes start from them: what is kept there need not be sent. It never stands in
 * the way of anything, and is never the only copy: what goes wrong is logged.
 */
export class NativeDesk {
  readonly #deps: NativeDeskDeps;
  readonly #sentBytes = new WeakMap<LiveSession, number>();
  /** By session: the save that goes on in the background. */
  readonly #saving = new Map<string, Promise<void>>();
  /** By place, workspace and tree: many sandboxes may be filled alike at the same time. */
  readonly #underWay = new Set<string>();

  constructor(deps: NativeDeskDeps) {
    this.#deps = deps;
  }

  /** Whether something is being saved in the background. */
  get isBusy(): boolean {
    return this.#saving.size > 0;
  }

  /**
   * Brings into the session's sandbox what a provider keeps that is nearest to `wanted`; `session.files` says what is there
   * then. Only the first call for a session does, and only when nothing was brought into it before. Call it under the
   * session's lock. What cannot be mounted, or is not what it was said to be, is given up.
   * @param onWillMount called before anything is; what it throws ends it
   * @throws what leaves open what the sandbox holds: the session is destroyed then
   */
  async mountNearest(
    session: LiveSession,
    wanted: Manifest,
    call: Call,
    onWillMount?: () => Promise<void>,
  ): Promise<Mounted | undefined> {
    const { isUntouched, sandbox, record } = session;
    session.isUntouched = false;
    if (!isUntouched || !sandbox.directorySnapshots) return undefined;
    const { title, savedStatePlace } = await this.#deps.loadProvider(record.target);
    const nearest = savedStatePlace && (await this.#findNearest(savedStatePlace, record.workspaceRoot, wanted));
    if (!nearest) return undefined;
    await onWillMount?.();
    return (await this.#mount(session, nearest, call)) ? { title, record: nearest.record } : undefined;
  }

  async #findNearest(place: string, workspaceRoot: string, wanted: Manifest): Promise<NativeTree | undefined> {
    const usable = this.#deps.records.findUsable(place, workspaceRoot);
    if (usable.length === 0) return undefined;
    const same = usable.filter(({ treeHash }) => treeHash === toTreeHash(wanted));
    return chooseNearest(wanted, await this.#readTrees(same.length > 0 ? same : usable), MIN_BYTES);
  }

  async #mount(session: LiveSession, nearest: NativeTree, call: Call): Promise<boolean> {
    const { sandbox, files, record } = session;
    // Until it is known to be there, everything in it has to be sent or removed.
    for (const path of nearest.tree.keys()) files.resend.add(path);
    // Nobody goes on with one that is yet to be filled.
    if (record.state === "ready" && !record.isDetached) await this.#deps.pool.saveFiles(session);
    try {
      const failure = await mountWorkspace(sandbox, files, nearest, call);
      if (!failure) return true;
      files.resend.clear();
      call.logger.warn(`A saved workspace could not be used, so all is sent: ${toMessage(failure)}`);
      await this.#deps.records.giveUp(nearest.record);
      return false;
    } catch (error) {
      // It might still come, over what is brought in next.
      void this.#deps.pool.destroy(record.id, toCleanupCall(call)).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Saves what a session holds after a push, once much was sent to it: a command may change it beyond use. Call it under
   * the session's lock, before a command is started. Never rejects.
   */
  async saveAfterPush(session: LiveSession, sentBytes: number, call: Call, progress?: Progress): Promise<void> {
    const total = (this.#sentBytes.get(session) ?? 0) + sentBytes;
    this.#sentBytes.set(session, total);
    if (total < MUCH_BYTES || session.runIds.size > 0) return;
    this.#sentBytes.set(session, 0);
    await this.#save(session, SAVE_MS, call, progress);
  }

  /** Saves what a run left, in the background; the next push in that session waits for it. */
  noteExit(session: LiveSession): void {
    const { id, isDetached } = session.record;
    if (isDetached || !session.sandbox.directorySnapshots) return;
    const call = this.#deps.newCall();
    const save = async (): Promise<void> => {
      if (session.record.state !== "ready") return;
      const saving = this.#saveIdle(session, SAVE_MS, call);
      this.#saving.set(id, saving);
      await saving;
      this.#saving.delete(id);
    };
    session.lock(save, call.signal).catch((error: unknown) => call.logger.debug(toMessage(error)));
  }

  /** Resolves once nothing of that session, or of any, is being saved in the background. */
  async settle(sessionId?: string): Promise<void> {
    await (sessionId === undefined ? Promise.all(this.#saving.values()) : this.#saving.get(sessionId));
  }

  /** Saves what an idle session holds before its sandbox ends. Bounded in time; never rejects. */
  async saveLast(session: LiveSession, call: Call): Promise<void> {
    const { record, sandbox, files } = session;
    // Somebody who looks into it may hold the lock for good.
    if (record.isDetached || !sandbox.directorySnapshots || files.isUnchecked) return;
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(LAST_SAVE_MS)]);
    await session
      .lock(() => this.#saveIdle(session, LAST_SAVE_MS, call), signal)
      .catch((error: unknown) => call.logger.warn(`A workspace could not be saved at last: ${toMessage(error)}`));
  }

  async #saveIdle(session: LiveSession, timeoutMs: number, call: Call): Promise<void> {
    if (session.runIds.size === 0) await this.#save(session, timeoutMs, call);
  }

  async #save(session: LiveSession, timeoutMs: number, call: Call, progress?: Progress): Promise<void> {
    const { sandbox, files, record } = session;
    // Only what is known to be there is worth keeping.
    if (!sandbox.directorySnapshots || files.isUnchecked || files.resend.size > 0) return;
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const { savedStatePlace: place } = await this.#deps.loadProvider(record.target);
      if (place === undefined || !this.#isDue(place, session)) return;
      const key = [place, record.workspaceRoot, toTreeHash(files.known)].join("\n");
      if (this.#underWay.has(key)) return;
      this.#underWay.add(key);
      try {
        progress?.("Keeping a copy of the files at the provider");
        await withAbort(this.#saveTree(session, place, { ...call, signal }), signal);
      } finally {
        this.#underWay.delete(key);
      }
    } catch (error) {
      if (!call.signal.aborted) call.logger.warn(`A workspace could not be saved at its provider: ${toMessage(error)}`);
    }
  }

  #isDue(place: string, { record, files }: LiveSession): boolean {
    if (sumSizes(files.known, files.known.keys()) < MIN_BYTES) return false;
    const treeHash = toTreeHash(files.known);
    const half = this.#deps.clock.now() + TTL_MS / 2;
    return !this.#deps.records
      .findUsable(place, record.workspaceRoot)
      .some((saved) => saved.treeHash === treeHash && Date.parse(saved.expiresAt) > half);
  }

  async #saveTree(session: LiveSession, place: string, call: Call): Promise<void> {
    const { records, trees, clock } = this.#deps;
    const { target, workspaceRoot, id: sessionId } = session.record;
    const { known } = session.files;
    const facts = { version: 1, id: createId(clock), place, target, workspaceRoot, sessionId } as const;
    const treeHash = await trees.save(known);
    const startedMs = clock.now();
    const saved = await saveWorkspace(session.sandbox, { id: facts.id, ttlMs: TTL_MS }, call).catch(
      async (error: unknown) => {
        if (error instanceof ChangedMeanwhile) await this.#deps.deleteSaved({ target, place, savedId: error.savedId });
        throw error;
      },
    );
    await records.add({
      ...facts,
      savedId: saved.id,
      treeHash,
      fileCount: [...known.values()].filter(({ type }) => type !== "directory").length,
      totalBytes: sumSizes(known, known.keys()),
      createdAt: toIsoTime(clock),
      expiresAt: (saved.expiresAt ?? new Date(startedMs + TTL_MS)).toISOString(),
    });
    call.logger.info(`The workspace of session ${sessionId} was saved at ${place}`);
  }

  async #readTrees(records: readonly NativeRecord[]): Promise<readonly NativeTree[]> {
    const trees: NativeTree[] = [];
    for (const record of records) {
      try {
        trees.push({ record, tree: await this.#deps.trees.read(record.treeHash) });
      } catch (error) {
        this.#deps.logger.warn(`A saved workspace is given up, as its list of files is gone: ${toMessage(error)}`);
        await this.#deps.records.giveUp(record);
      }
    }
    return trees;
  }
}
