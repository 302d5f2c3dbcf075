import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../core/logger.ts";
import type { SandboxSummary } from "../core/provider.ts";
import { toMessage } from "../core/sandbox-error.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "./json-file.ts";
import type { SessionRecord } from "./records.ts";
import { type StateFolder, toSessionFolder } from "./state-folder.ts";

/** The sessions on disk. What is saved has reached the disk: a sandbox without an entry is one that nobody pays attention to. */
export interface Ledger {
  read(): Promise<readonly SessionRecord[]>;
  save(record: SessionRecord): Promise<void>;
  /** Forgets a session and its file lists. */
  remove(sessionId: string): Promise<void>;
  /**
   * Whether a sandbox that carries this session's label is somebody's: of a session that is paused, the one that is paused.
   * Read from the disk at each call, since another version's engine may share it; what cannot be read counts as owned.
   */
  owns(sessionId: string, sandbox: Pick<SandboxSummary, "id" | "running">): Promise<boolean>;
}

export function createLedger(state: StateFolder, logger: Logger): Ledger {
  const fileOf = (id: string): string => `${toSessionFolder(state, id)}.json`;
  return {
    read: async () => {
      const names = (await readdir(state.ledger)).filter((name) => name.endsWith(".json"));
      const records = await Promise.all(names.map((name) => readRecord(join(state.ledger, name), logger)));
      return records.filter((record) => record !== undefined);
    },
    save: (record) => writeJsonFile(fileOf(record.id), record, true),
    remove: async (id) => {
      await rm(fileOf(id), { force: true });
      await rm(toSessionFolder(state, id), { recursive: true, force: true });
    },
    owns: async (id, sandbox) => {
      if (!/^[a-z0-9-]{1,64}$/.test(id)) return true;
      try {
        const file = await readJsonFile(fileOf(id), isSessionRecord);
        return file.kind === "read" ? isOwner(file.value, sandbox) : file.kind === "damaged";
      } catch {
        return true;
      }
    },
  };
}

function isOwner({ state, pausedId }: SessionRecord, { id, running }: Pick<SandboxSummary, "id" | "running">): boolean {
  if (state === "paused") return !running || id === pausedId;
  return state === "creating" || state === "ready";
}

async function readRecord(file: string, logger: Logger): Promise<SessionRecord | undefined> {
  try {
    const found = await readJsonFile(file, isSessionRecord);
    if (found.kind === "read") return found.value;
    if (found.kind === "damaged") logger.error(`A session's entry could not be read; it is kept as ${found.movedTo}.`);
  } catch (error) {
    logger.error(toMessage(error));
  }
  return undefined;
}

function isSessionRecord(value: unknown): value is SessionRecord {
  return isVersioned(value) && value.version === 1 && hasTexts(value, ["id", "workspaceRoot", "state", "expiresAt"]);
}

/** Whether every named field is a string. */
export function hasTexts(value: object, names: readonly string[]): boolean {
  const fields = new Map<string, unknown>(Object.entries(value));
  return names.every((name) => typeof fields.get(name) === "string");
}
