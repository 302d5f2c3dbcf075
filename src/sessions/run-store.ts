import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../core/logger.ts";
import { toMessage } from "../core/sandbox-error.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "./json-file.ts";
import { hasTexts } from "./ledger.ts";
import { createLock, type Lock } from "./lock.ts";
import type { Change, RunRecord } from "./records.ts";
import { type StateFolder, toRunFolder } from "./state-folder.ts";

/** The runs on disk: records and change sets. Saves of one run keep their order. */
export interface RunStore {
  read(): Promise<readonly RunRecord[]>;
  /** Makes the run's folder. @throws what the file system says, for example when the disk is full. */
  create(record: RunRecord): Promise<void>;
  /** Never rejects: what cannot be written is logged, and the run goes on. An ended run's record survives a power cut. */
  save(record: RunRecord): Promise<void>;
  remove(runId: string): Promise<void>;
  readChanges(runId: string): Promise<readonly Change[]>;
  saveChanges(runId: string, changes: readonly Change[]): Promise<void>;
}

export function createRunStore(state: StateFolder, logger: Logger): RunStore {
  const locks = new Map<string, Lock>();
  const recordFile = (id: string): string => join(toRunFolder(state, id), "record.json");
  const changesFile = (id: string): string => join(toRunFolder(state, id), "changes.json");
  const inOrder = (id: string, task: () => Promise<void>): Promise<void> => {
    const lock = locks.get(id) ?? createLock();
    locks.set(id, lock);
    return lock(task);
  };
  return {
    read: () => readRecords(state, logger),
    create: async (record) => {
      await mkdir(toRunFolder(state, record.id), { mode: 0o700 });
      await writeJsonFile(recordFile(record.id), record, false);
    },
    save: (record) =>
      inOrder(record.id, () => writeJsonFile(recordFile(record.id), record, record.state === "ended")).catch(
        (error: unknown) => logger.error(`The record of run ${record.id} could not be saved: ${toMessage(error)}`),
      ),
    remove: async (id) => {
      locks.delete(id);
      await rm(toRunFolder(state, id), { recursive: true, force: true });
    },
    readChanges: async (id) => {
      const file = await readJsonFile(changesFile(id), isChangeList);
      return file.kind === "read" ? file.value.changes : [];
    },
    saveChanges: (id, changes) => inOrder(id, () => writeJsonFile(changesFile(id), { version: 1, changes }, true)),
  };
}

async function readRecords(state: StateFolder, logger: Logger): Promise<readonly RunRecord[]> {
  const records = await Promise.all(
    (await readdir(state.runs)).map(async (name) => {
      try {
        const found = await readJsonFile(join(state.runs, name, "record.json"), isRunRecord);
        if (found.kind === "read") return found.value;
        if (found.kind === "damaged")
          logger.error(`The record of run ${name} could not be read; it is kept as ${found.movedTo}.`);
      } catch (error) {
        logger.error(toMessage(error));
      }
      return undefined;
    }),
  );
  return records.filter((record) => record !== undefined);
}

function isRunRecord(value: unknown): value is RunRecord {
  return (
    isVersioned(value) &&
    value.version === 1 &&
    hasTexts(value, ["id", "title", "workspaceRoot", "state", "requestedAt"])
  );
}

/** Whether that is what a `changes.json` holds. */
export function isChangeList(value: unknown): value is { readonly version: 1; readonly changes: readonly Change[] } {
  return isVersioned(value) && value.version === 1 && "changes" in value && Array.isArray(value.changes);
}
