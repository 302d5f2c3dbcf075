import { join } from "node:path";
import type { Logger } from "../../core/logger.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { collectGarbage } from "../../snapshots/store/collect-garbage.ts";
import type { Manifest } from "../../snapshots/manifest.ts";
import { readSizes } from "../../snapshots/store/store-files.ts";
import type { TreeStore } from "../../snapshots/store/tree-store.ts";
import type { Clock, Timer } from "../clock.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "../json-file.ts";
import { createLock } from "../lock.ts";
import type { RetentionPolicy, StorageReport } from "../snapshot-records.ts";
import type { StateFolder } from "../state-folder.ts";
import { selectOversized } from "./select-oversized.ts";
import { DEFAULT_RETENTION, selectOldSnapshots } from "./snapshot-retention.ts";
import type { Timeline } from "./timeline.ts";

/** What keeping storage within bounds needs. */
export interface StorageDeps {
  readonly state: StateFolder;
  readonly timeline: Timeline;
  readonly trees: TreeStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Hashes of contents that are needed whatever snapshots there are: change sets', sessions'. */
  readonly readLiveObjects: () => Promise<Iterable<string>>;
  /** Root hashes of what providers keep: what new sandboxes start from has to be known, and its contents be there. */
  readonly listNativeTrees: () => readonly string[];
  /** True when another engine uses the state folder too, whose needs are not known here: then nothing is removed. */
  readonly isShared: boolean;
}

// Snapshots come in bursts; one look through the store is enough for all of them.
const TIDY_DELAY_MS = 30_000;
/** What `collectGarbage` leaves alone by itself, and a little more. */
const GRACE_MS = 70 * 60_000;
const MIB = 1024 * 1024;

/** Keeps what snapshots take on disk within the user's bounds. */
export class Storage {
  readonly #deps: StorageDeps;
  readonly #lock = createLock();
  readonly #end = new AbortController();
  #policy = DEFAULT_RETENTION;
  #timer: Timer | undefined;
  /** When snapshots were given up for their size: what they had is on the disk for a while yet. */
  #shrunkAt: number | undefined;

  constructor(deps: StorageDeps) {
    this.#deps = deps;
  }

  async load(): Promise<void> {
    try {
      const file = await readJsonFile(this.#policyFile, isPolicyFile);
      if (file.kind === "read") this.#policy = file.value.policy;
    } catch (error) {
      this.#deps.logger.error(toMessage(error));
    }
    this.tidyLater();
  }

  async read(): Promise<StorageReport> {
    const { objectBytes, treeBytes } = await readSizes(this.#folders);
    const snapshotCount = this.#deps.timeline.list().length;
    return { snapshotCount, storedBytes: objectBytes + treeBytes, policy: this.#policy };
  }

  /** @throws {SandboxError} `invalid` for bounds that make no sense */
  async setPolicy(policy: RetentionPolicy): Promise<void> {
    for (const [name, value] of Object.entries(policy))
      if (!Number.isInteger(value) || value < 1)
        throw new SandboxError("invalid", `${name} has to be a whole number of at least 1.`);
    const { maxSnapshots, maxAgeDays, maxTotalMiB } = policy;
    if (maxTotalMiB < this.#policy.maxTotalMiB) this.#shrunkAt = undefined;
    this.#policy = { maxSnapshots, maxAgeDays, maxTotalMiB };
    await writeJsonFile(this.#policyFile, { version: 1, policy: this.#policy }, false);
    await this.tidy();
  }

  /** Soon, and once however often it is asked for. */
  tidyLater(): void {
    this.#timer ??= this.#deps.clock.after(TIDY_DELAY_MS, () => {
      this.#timer = undefined;
      void this.tidy();
    });
  }

  /** Removes what is beyond the bounds, and contents that nothing needs any more. Never rejects. */
  async tidy(): Promise<void> {
    if (this.#deps.isShared || this.#end.signal.aborted) return;
    await this.#lock(() => this.#tidy()).catch((error: unknown) => {
      if (!this.#end.signal.aborted) this.#deps.logger.warn(`Old snapshots stay for now: ${toMessage(error)}`);
    });
  }

  async dispose(): Promise<void> {
    this.#timer?.dispose();
    this.#end.abort(new Error("The engine ends."));
    await this.#lock(async () => undefined);
  }

  async #tidy(): Promise<void> {
    const { timeline, clock } = this.#deps;
    for (const { id } of selectOldSnapshots(timeline.list(), this.#policy, clock.now())) await timeline.remove(id);
    await this.#collect();
    if (this.#shrunkAt === undefined || clock.now() - this.#shrunkAt > GRACE_MS) await this.#shrink();
  }

  async #shrink(): Promise<void> {
    const { timeline, trees, clock } = this.#deps;
    const { storedBytes } = await this.read();
    const records = timeline.list();
    const maxBytes = this.#policy.maxTotalMiB * MIB;
    const readTree = (treeHash: string): Promise<Manifest> => trees.read(treeHash);
    const oversized = await selectOversized({ records, readTree, storedBytes, maxBytes });
    if (oversized.length === 0) return;
    for (const { id } of oversized) await timeline.remove(id);
    this.#shrunkAt = clock.now();
    await this.#collect();
  }

  async #collect(): Promise<void> {
    const { timeline, readLiveObjects, listNativeTrees } = this.#deps;
    const live = [
      ...timeline.list().flatMap(({ treeHash, baseTreeHash }) => [treeHash, baseTreeHash]),
      ...listNativeTrees(),
    ];
    const objects = await readLiveObjects();
    await collectGarbage(this.#folders, { treeHashes: live, objects }, { signal: this.#end.signal });
    timeline.forgetComplete();
  }

  get #folders(): { readonly store: string; readonly trees: string } {
    const { store, trees } = this.#deps.state;
    return { store, trees };
  }

  get #policyFile(): string {
    return join(this.#deps.state.root, "retention.json");
  }
}

function isPolicyFile(value: unknown): value is { readonly version: 1; readonly policy: RetentionPolicy } {
  return isVersioned(value) && value.version === 1 && "policy" in value && isPolicy(value.policy);
}

function isPolicy(value: unknown): value is RetentionPolicy {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return ["maxSnapshots", "maxAgeDays", "maxTotalMiB"].every((name) => Number.isInteger(fields.get(name)));
}
