import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../core/logger.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "../json-file.ts";
import { hasTexts } from "../ledger.ts";
import type { Target } from "../records.ts";

/** A workspace that a provider keeps as it was in a sandbox, so that the next one gets it without its being sent. */
export interface NativeRecord {
  readonly version: 1;
  /** Ours; what was saved carries it, see `toMarker`. */
  readonly id: string;
  /** The provider's, for `DirectorySnapshots.mount` and `Provider.deleteSaved`. */
  readonly savedId: string;
  /** `Provider.savedStatePlace` when it was saved: where that is another one it cannot be used. */
  readonly place: string;
  /** What the sandbox that it comes from was made from; leads to the provider. */
  readonly target: Target;
  readonly workspaceRoot: string;
  readonly sessionId: string;
  /** Root hash of the files; the tree store has their list. */
  readonly treeHash: string;
  readonly fileCount: number;
  /** Of the files, uncompressed. */
  readonly totalBytes: number;
  /** ISO 8601, as `expiresAt`. */
  readonly createdAt: string;
  readonly expiresAt: string;
}

/** The records on disk: `native/<id>.json` in the state folder. */
export interface NativeStore {
  read(): Promise<readonly NativeRecord[]>;
  save(record: NativeRecord): Promise<void>;
  /** Idempotent. */
  remove(id: string): Promise<void>;
}

/** @param folder exists */
export function createNativeStore(folder: string, logger: Logger): NativeStore {
  const fileOf = (id: string): string => join(folder, `${checkId(id)}.json`);
  return {
    async read() {
      const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
      const records = await Promise.all(names.map((name) => readRecord(join(folder, name), logger)));
      return records.filter((record) => record !== undefined);
    },
    save: (record) => writeJsonFile(fileOf(record.id), record, true),
    remove: async (id) => await rm(fileOf(id), { force: true }),
  };
}

// Nothing is lost with a record but the time that sending takes.
async function readRecord(file: string, logger: Logger): Promise<NativeRecord | undefined> {
  try {
    const found = await readJsonFile(file, isNativeRecord);
    if (found.kind === "read") return found.value;
    if (found.kind === "damaged") logger.warn(`${file} could not be read; it is kept as ${found.movedTo}.`);
  } catch (error) {
    logger.warn(toMessage(error));
  }
  return undefined;
}

function checkId(id: string): string {
  if (!/^[a-z0-9-]{1,64}$/.test(id)) throw new SandboxError("not-found", "There is no saved workspace with that id.");
  return id;
}

const TEXTS = ["id", "savedId", "place", "workspaceRoot", "sessionId", "treeHash", "createdAt", "expiresAt"];

function isNativeRecord(value: unknown): value is NativeRecord {
  return (
    isVersioned(value) &&
    value.version === 1 &&
    hasTexts(value, TEXTS) &&
    "target" in value &&
    typeof value.target === "object" &&
    value.target !== null &&
    hasTexts(value.target, ["providerId"])
  );
}
