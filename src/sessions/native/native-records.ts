import type { Logger } from "../../core/logger.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import type { Clock, Timer } from "../clock.ts";
import type { SnapshotRecord } from "../snapshot-records.ts";
import type { NativeRecord, NativeStore } from "./native-store.ts";

/** What keeping book of saved workspaces needs. */
export interface NativeRecordsDeps {
  readonly store: NativeStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when what is kept of a workspace's tree has changed. */
  readonly onDidChange: (tree: Pick<NativeRecord, "workspaceRoot" | "treeHash">) => void;
  /** Has the provider delete what a record that was given up stood for. Never rejects. */
  readonly deleteSaved: (record: NativeRecord) => Promise<void>;
}

/** Of one workspace in one place; older ones are deleted. */
const KEPT = 3;
// The provider's clock is not ours, and mounting takes a while.
const MARGIN_MS = 10 * 60_000;

/** The saved workspaces that can be used. */
export class NativeRecords {
  readonly #deps: NativeRecordsDeps;
  readonly #records = new Map<string, NativeRecord>();
  #timer: Timer | undefined;

  constructor(deps: NativeRecordsDeps) {
    this.#deps = deps;
  }

  /** Takes over what is on disk. */
  async load(): Promise<void> {
    for (const record of await this.#deps.store.read()) this.#records.set(record.id, record);
    await this.#forgetExpired();
  }

  /** Newest first: those that can be mounted there, and will be for a while. */
  findUsable(place: string, workspaceRoot: string): readonly NativeRecord[] {
    const latest = this.#deps.clock.now() + MARGIN_MS;
    return this.#newestFirst().filter(
      (record) =>
        record.place === place && record.workspaceRoot === workspaceRoot && Date.parse(record.expiresAt) > latest,
    );
  }

  /** Root hashes of the trees that have to stay readable. */
  listTrees(): readonly string[] {
    return Array.from(this.#records.values(), ({ treeHash }) => treeHash);
  }

  /** Who holds a workspace's tree the longest. */
  findAcceleration({ workspaceRoot, treeHash }: Pick<NativeRecord, "workspaceRoot" | "treeHash">): Acceleration {
    const [longest] = [...this.#records.values()]
      .filter((record) => record.workspaceRoot === workspaceRoot && record.treeHash === treeHash)
      .sort((a, b) => (a.expiresAt < b.expiresAt ? 1 : -1));
    return longest && { providerId: longest.target.providerId, until: longest.expiresAt };
  }

  /** On disk when this resolves. Those that it supersedes are given up. */
  async add(record: NativeRecord): Promise<void> {
    await this.#deps.store.save(record);
    this.#records.set(record.id, record);
    this.#deps.onDidChange(record);
    const isSame = ({ treeHash }: NativeRecord): boolean => treeHash === record.treeHash;
    const others = this.#newestFirst().filter(
      ({ id, place, workspaceRoot }) =>
        id !== record.id && place === record.place && workspaceRoot === record.workspaceRoot,
    );
    const different = others.filter((other) => !isSame(other));
    for (const old of [...others.filter(isSame), ...different.slice(KEPT - 1)]) await this.giveUp(old);
    this.#watchExpiry();
  }

  /** Forgets it and has it deleted. Never rejects. */
  async giveUp(record: NativeRecord): Promise<void> {
    await this.#forget(record);
    await this.#deps.deleteSaved(record);
  }

  /** Gives up all that have a tree. Never rejects. */
  async giveUpTree({ workspaceRoot, treeHash }: Pick<NativeRecord, "workspaceRoot" | "treeHash">): Promise<void> {
    for (const record of this.#newestFirst())
      if (record.workspaceRoot === workspaceRoot && record.treeHash === treeHash) await this.giveUp(record);
  }

  dispose(): void {
    this.#timer?.dispose();
  }

  // What the provider has forgotten need not be deleted.
  async #forgetExpired(): Promise<void> {
    const now = this.#deps.clock.now();
    for (const record of this.#newestFirst()) if (Date.parse(record.expiresAt) <= now) await this.#forget(record);
    this.#watchExpiry();
  }

  async #forget(record: NativeRecord): Promise<void> {
    if (!this.#records.delete(record.id)) return;
    await this.#deps.store
      .remove(record.id)
      .catch((error: unknown) => this.#deps.logger.warn(`A saved workspace stays on record: ${toMessage(error)}`));
    this.#deps.onDidChange(record);
  }

  #watchExpiry(): void {
    this.#timer?.dispose();
    const ends = Array.from(this.#records.values(), ({ expiresAt }) => Date.parse(expiresAt));
    if (ends.length === 0) return;
    const { clock } = this.#deps;
    this.#timer = clock.after(Math.min(...ends) - clock.now(), () => void this.#forgetExpired());
  }

  #newestFirst(): readonly NativeRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }
}

type Acceleration = SnapshotRecord["accelerated"];
