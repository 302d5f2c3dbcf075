import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { ConnectedEngine } from "../host/engine-client.ts";
import type { BatchRecord } from "../sessions/cloud-records.ts";
import type { RunRecord, SessionRecord } from "../sessions/records.ts";
import type { ChangeSetRecord, SnapshotRecord } from "../sessions/snapshot-records.ts";
import { findWorkspaceRoot } from "./workspace-root.ts";

/** What to say on asking for one. */
export const WHICH = "Say which one: an id, or its beginning.";

/** By its id or the beginning of that; "last" is the newest. @throws {SandboxError} `not-found` */
export async function findRun(engine: ConnectedEngine, word: string): Promise<RunRecord> {
  return findRecord(await engine.listRuns(), word, "run");
}

/** As {@link findRun}. */
export async function findSession(engine: ConnectedEngine, word: string): Promise<SessionRecord> {
  return findRecord(await engine.listSessions(), word, "session");
}

/** As {@link findRun}. */
export async function findBatch(engine: ConnectedEngine, word: string): Promise<BatchRecord> {
  return findRecord(await engine.listBatches(), word, "batch");
}

/** As {@link findRun}; "last" is the newest of the workspace that the current folder is in. */
export async function findSnapshot(
  engine: ConnectedEngine,
  word: string,
  { cwd }: { readonly cwd: string },
): Promise<SnapshotRecord> {
  const snapshots = await engine.listSnapshots();
  if (word !== "last") return findRecord(snapshots, word, "snapshot");
  const root = findWorkspaceRoot({ cwd });
  return findRecord(
    snapshots.filter(({ workspaceRoot }) => workspaceRoot === root),
    word,
    "snapshot",
  );
}

/** What has changes to decide: a run, or a restore or a pull. "last" is the newest run. @throws {SandboxError} `not-found` */
export async function findChanged(engine: ConnectedEngine, word: string): Promise<RunRecord | ChangeSetRecord> {
  const runs = await engine.listRuns();
  if (word === "last") return findRecord(runs, word, "run");
  return findRecord([...runs, ...(await engine.listChangeSets())], word, "run");
}

const LISTS = { run: "runs", session: "sessions", snapshot: "snapshots", batch: "batches" } as const;

function findRecord<T extends { readonly id: string }>(
  records: readonly T[],
  start: string,
  what: keyof typeof LISTS,
): T {
  const [newest] = records;
  if (start === "last" && newest) return newest;
  const found = records.filter(({ id }) => id.startsWith(start));
  const exact = found.find(({ id }) => id === start) ?? (found.length === 1 ? found[0] : undefined);
  if (exact) return exact;
  const message =
    found.length > 1
      ? `"${toDisplay(start)}" is the beginning of ${found.length} ids. Write more of it.`
      : `There is no ${what} "${toDisplay(start)}". List them with: sandpiper ${LISTS[what]}`;
  throw new SandboxError("not-found", message);
}
