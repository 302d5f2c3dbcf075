import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../core/logger.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import type { BatchRecord } from "../cloud-records.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "../json-file.ts";
import { hasTexts } from "../ledger.ts";
import { createLocks } from "../lock.ts";

/** The batches on disk. Saves of one keep their order. */
export interface BatchStore {
  read(): Promise<readonly BatchRecord[]>;
  /** It has reached the disk when this resolves. */
  save(record: BatchRecord): Promise<void>;
  remove(batchId: string): Promise<void>;
}

/** @param folder is there */
export function createBatchStore(folder: string, logger: Logger): BatchStore {
  const locks = createLocks();
  const fileOf = (id: string): string => join(folder, `${id}.json`);
  return {
    read: async () => {
      const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
      const records = await Promise.all(names.map((name) => readRecord(join(folder, name), logger)));
      return records.filter((record) => record !== undefined);
    },
    save: (record) => locks(record.id)(() => writeJsonFile(fileOf(record.id), record, true)),
    remove: (id) => rm(fileOf(id), { force: true }),
  };
}

async function readRecord(file: string, logger: Logger): Promise<BatchRecord | undefined> {
  try {
    const found = await readJsonFile(file, isBatchRecord);
    if (found.kind === "read") return found.value;
    if (found.kind === "damaged") logger.error(`A batch's record could not be read; it is kept as ${found.movedTo}.`);
  } catch (error) {
    logger.error(toMessage(error));
  }
  return undefined;
}

function isBatchRecord(value: unknown): value is BatchRecord {
  return (
    isVersioned(value) &&
    value.version === 1 &&
    hasTexts(value, ["id", "title", "workspaceRoot", "snapshotId", "state", "requestedAt"])
  );
}
