import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../core/logger.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "../json-file.ts";
import { hasTexts } from "../ledger.ts";
import type { SnapshotRecord } from "../snapshot-records.ts";

/** The records of snapshots on disk. What they point to is the tree store's and the object store's. */
export interface SnapshotStore {
  read(): Promise<readonly SnapshotRecord[]>;
  /** On the disk when this resolves. */
  save(record: SnapshotRecord): Promise<void>;
  /** Idempotent. */
  remove(snapshotId: string): Promise<void>;
  /** Paths that were left out when it was taken: it says nothing about them. [] when nobody noted them. */
  readLeftOut(snapshotId: string): Promise<readonly string[]>;
  saveLeftOut(snapshotId: string, paths: readonly string[]): Promise<void>;
}

/** @param folder exists */
export function createSnapshotStore(folder: string, logger: Logger): SnapshotStore {
  const fileOf = (id: string): string => join(folder, `${checkId(id)}.json`);
  const leftOutFileOf = (id: string): string => join(folder, `${checkId(id)}.left-out`);
  return {
    async read() {
      const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
      const records = await Promise.all(names.map((name) => readRecord(join(folder, name), logger)));
      return records.filter((record) => record !== undefined);
    },
    save: (record) => writeJsonFile(fileOf(record.id), record, true),
    async remove(id) {
      await rm(fileOf(id), { force: true });
      await rm(leftOutFileOf(id), { force: true });
    },
    async readLeftOut(id) {
      const file = await readJsonFile(leftOutFileOf(id), isLeftOut);
      return file.kind === "read" ? file.value.paths : [];
    },
    saveLeftOut: (id, paths) => writeJsonFile(leftOutFileOf(id), { version: 1, paths }, false),
  };
}

async function readRecord(file: string, logger: Logger): Promise<SnapshotRecord | undefined> {
  try {
    const found = await readJsonFile(file, isSnapshotRecord);
    if (found.kind === "read") return found.value;
    if (found.kind === "damaged") logger.error(`${file} could not be read; it is kept as ${found.movedTo}.`);
  } catch (error) {
    logger.error(toMessage(error));
  }
  return undefined;
}

// Ids come from other processes and become parts of paths.
function checkId(id: string): string {
  if (!/^[a-z0-9-]{1,64}$/.test(id)) throw new SandboxError("not-found", "There is no snapshot with that id.");
  return id;
}

function isSnapshotRecord(value: unknown): value is SnapshotRecord {
  return (
    isVersioned(value) &&
    value.version === 1 &&
    hasTexts(value, ["id", "treeHash", "baseTreeHash", "workspaceRoot", "cause", "createdAt"]) &&
    "envNames" in value &&
    Array.isArray(value.envNames)
  );
}

function isLeftOut(value: unknown): value is { readonly version: 1; readonly paths: readonly string[] } {
  return isVersioned(value) && value.version === 1 && "paths" in value && Array.isArray(value.paths);
}
