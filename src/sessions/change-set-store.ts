import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../core/logger.ts";
import { toMessage } from "../core/sandbox-error.ts";
import { countChanges } from "./changes.ts";
import { type Clock, toIsoTime } from "./clock.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "./json-file.ts";
import { hasTexts } from "./ledger.ts";
import { createLocks } from "./lock.ts";
import type { Change } from "./records.ts";
import { isChangeList } from "./run-store.ts";
import { createId } from "./sandbox-spec.ts";
import type { ChangeSetRecord } from "./snapshot-records.ts";
import { type StateFolder, toChangeSetFolder } from "./state-folder.ts";

const DAY_MS = 24 * 60 * 60_000;
const KEPT_MS = 30 * DAY_MS;

/** What a new change set is made from. */
export interface NewChangeSet extends Pick<
  ChangeSetRecord,
  "title" | "workspaceRoot" | "cause" | "sessionId" | "snapshotId"
> {
  readonly changes: readonly Change[];
}

/** What the change sets of restores and pulls are kept by. */
export interface ChangeSetStoreDeps {
  readonly state: StateFolder;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each record that is new or has other counts. */
  readonly onDidChange: (record: ChangeSetRecord) => void;
}

/** The change sets that are no run's, in memory and on disk. Saves of one set keep their order. */
export class ChangeSetStore {
  readonly #deps: ChangeSetStoreDeps;
  readonly #records = new Map<string, ChangeSetRecord>();
  readonly #locks = createLocks();

  constructor(deps: ChangeSetStoreDeps) {
    this.#deps = deps;
  }

  /** Takes over what is on disk. */
  async load(): Promise<void> {
    const names = (await readdir(this.#deps.state.changeSets)).sort();
    for (const record of await Promise.all(names.map((name) => this.#readRecord(name))))
      if (record) this.#records.set(record.id, record);
  }

  /** Newest first. */
  list(): readonly ChangeSetRecord[] {
    // Of two of the same millisecond the one made later is newer.
    return [...this.#records.values()].toReversed().sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  }

  find(id: string): ChangeSetRecord | undefined {
    return this.#records.get(id);
  }

  /** It has reached the disk when this resolves; the caller has its contents in the object store by then. */
  async create({ changes, ...rest }: NewChangeSet): Promise<ChangeSetRecord> {
    const { clock, state } = this.#deps;
    const record: ChangeSetRecord = {
      version: 1,
      id: createId(clock),
      ...rest,
      createdAt: toIsoTime(clock),
      changes: countChanges(changes),
    };
    await mkdir(toChangeSetFolder(state, record.id), { mode: 0o700 });
    // A set counts from its record on, so that one which was cut short is never met.
    await writeJsonFile(this.#changesFile(record.id), { version: 1, changes }, true);
    await this.#saveRecord(record);
    return record;
  }

  async readChanges(id: string): Promise<readonly Change[]> {
    const file = await readJsonFile(this.#changesFile(id), isChangeList);
    return file.kind === "read" ? file.value.changes : [];
  }

  /** Keeps the changes with their decisions, and the counts that follow from them. */
  async saveChanges(id: string, changes: readonly Change[]): Promise<void> {
    await this.#locks(id)(async () => {
      const record = this.#records.get(id);
      if (!record) return;
      await writeJsonFile(this.#changesFile(id), { version: 1, changes }, true);
      await this.#saveRecord({ ...record, changes: countChanges(changes) });
    });
  }

  /** Forgets those that were decided (a day after they were made, so that they can be looked at), and those of 30 days ago. */
  async forgetOld(): Promise<void> {
    const now = this.#deps.clock.now();
    for (const { id, changes, createdAt } of this.list()) {
      const ageMs = now - Date.parse(createdAt);
      if (ageMs <= (changes.pending === 0 ? DAY_MS : KEPT_MS)) continue;
      this.#records.delete(id);
      await rm(toChangeSetFolder(this.#deps.state, id), { recursive: true, force: true });
    }
  }

  #changesFile(id: string): string {
    return join(toChangeSetFolder(this.#deps.state, id), "changes.json");
  }

  async #saveRecord(record: ChangeSetRecord): Promise<void> {
    await writeJsonFile(join(toChangeSetFolder(this.#deps.state, record.id), "record.json"), record, true);
    this.#records.set(record.id, record);
    this.#deps.onDidChange(record);
  }

  async #readRecord(name: string): Promise<ChangeSetRecord | undefined> {
    const folder = join(this.#deps.state.changeSets, name);
    try {
      const found = await readJsonFile(join(folder, "record.json"), isChangeSetRecord);
      if (found.kind === "read") return found.value;
      if (found.kind === "missing") await this.#removeUnfinished(folder);
      else this.#deps.logger.error(`The record of change set ${name} is damaged; it is kept as ${found.movedTo}.`);
    } catch (error) {
      this.#deps.logger.error(toMessage(error));
    }
    return undefined;
  }

  // One of today may be another engine's, being made.
  async #removeUnfinished(folder: string): Promise<void> {
    if (this.#deps.clock.now() - (await stat(folder)).mtimeMs > DAY_MS) await rm(folder, { recursive: true });
  }
}

function isChangeSetRecord(value: unknown): value is ChangeSetRecord {
  return (
    isVersioned(value) && value.version === 1 && hasTexts(value, ["id", "title", "workspaceRoot", "cause", "createdAt"])
  );
}
