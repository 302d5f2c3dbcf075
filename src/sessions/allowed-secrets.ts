import { join } from "node:path";
import { createLock } from "./lock.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "./json-file.ts";
import { type StateFolder, toWorkspaceHash } from "./state-folder.ts";

/** Fingerprints of the credentials that may be sent from a workspace for good. */
export interface AllowedSecrets {
  /** @throws {SandboxError} `unsupported` when a newer Sandpiper wrote the list */
  read(workspaceRoot: string): Promise<ReadonlySet<string>>;
  add(workspaceRoot: string, fingerprints: readonly string[]): Promise<void>;
}

interface List {
  readonly version: 1;
  readonly fingerprints: readonly string[];
}

/** One file per workspace, readable by nobody else. A damaged one is set aside: then nothing is allowed. */
export function createAllowedSecrets(state: StateFolder): AllowedSecrets {
  const lock = createLock();
  const toFile = (workspaceRoot: string): string => join(state.root, `allowed-${toWorkspaceHash(workspaceRoot)}.json`);
  const read = async (workspaceRoot: string): Promise<ReadonlySet<string>> => {
    const found = await readJsonFile(toFile(workspaceRoot), isList);
    return new Set(found.kind === "read" ? found.value.fingerprints : []);
  };
  return {
    read,
    add: async (workspaceRoot, fingerprints) =>
      await lock(async () => {
        const all = new Set([...(await read(workspaceRoot)), ...fingerprints]);
        const list: List = { version: 1, fingerprints: [...all].sort() };
        await writeJsonFile(toFile(workspaceRoot), list, true);
      }),
  };
}

function isList(value: unknown): value is List {
  return (
    isVersioned(value) &&
    "fingerprints" in value &&
    Array.isArray(value.fingerprints) &&
    value.fingerprints.every((fingerprint) => typeof fingerprint === "string")
  );
}
