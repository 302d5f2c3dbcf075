import type { Entry, Manifest } from "../../snapshots/manifest.ts";
import type { Change, RunRecord } from "../records.ts";
import type { RunStore } from "../run-store.ts";
import { readSessionFiles } from "../session-files.ts";
import type { SessionPool } from "../session-pool.ts";
import type { ChangeSetStore } from "../change-set-store.ts";
import { type StateFolder, toSessionFolder } from "../state-folder.ts";

/** Who needs contents whatever snapshots there are. */
export interface LiveObjectsDeps {
  readonly state: StateFolder;
  readonly pool: SessionPool;
  readonly runs: RunStore;
  readonly listRuns: () => readonly RunRecord[];
  readonly changeSets: ChangeSetStore;
}

/** Hashes of the contents of every change set on record, and of what sessions that go on were sent and hold. */
export async function readLiveObjects(deps: LiveObjectsDeps): Promise<ReadonlySet<string>> {
  const objects = new Set<string>();
  const add = (entry: Entry | undefined): void => void (entry?.type === "file" && objects.add(entry.sha256));
  const addChanges = (changes: readonly Change[]): void => {
    for (const { base, theirs } of changes) for (const entry of [base, theirs]) add(entry);
  };
  for (const { id, changes } of deps.listRuns()) if (changes) addChanges(await deps.runs.readChanges(id));
  for (const { id } of deps.changeSets.list()) addChanges(await deps.changeSets.readChanges(id));
  for (const manifest of await readManifests(deps)) for (const entry of manifest.values()) add(entry);
  return objects;
}

async function readManifests({ state, pool }: LiveObjectsDeps): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  for (const { id, state: life } of pool.list()) {
    if (life === "ended") continue;
    const files =
      pool.findLive(id)?.files ?? (await readSessionFiles(toSessionFolder(state, id)).catch(() => undefined));
    if (files) manifests.push(files.pushed, files.known);
  }
  return manifests;
}
