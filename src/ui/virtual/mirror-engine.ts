import type { ConnectedEngine } from "../../host/engine-client.ts";
import type { ApplyResult, Engine } from "../../sessions/engine.ts";
import { findFolder } from "../workspace-folder.ts";
import { MirrorFolder } from "./mirror-folder.ts";

/** The mirror that is at this path, where it is one of an open folder's. */
export type FindMirror = (workspaceRoot: string) => MirrorFolder | undefined;

type Overrides = Partial<
  Pick<
    Engine,
    "startRun" | "startSession" | "previewUpload" | "takeSnapshot" | "readChanges" | "applyChanges" | "restoreWorkspace"
  >
>;

/**
 * An engine for which folders that are not on disk are their mirrors: made what the folder is before the engine looks at
 * them, and written back to the folder after it has applied changes to them.
 */
export function withMirrors(engine: ConnectedEngine, find: FindMirror): ConnectedEngine {
  const refreshOf = async (recordId: string): Promise<MirrorFolder | undefined> => {
    const mirror = await findOwner(engine, find, recordId);
    await mirror?.refresh();
    return mirror;
  };
  const overrides: Overrides = {
    async startRun(request) {
      await find(request.workspaceRoot)?.refresh();
      return await engine.startRun(request);
    },
    async startSession(workspaceRoot, target) {
      await find(workspaceRoot)?.refresh();
      return await engine.startSession(workspaceRoot, target);
    },
    async previewUpload(request) {
      await find(request.workspaceRoot)?.refresh();
      return await engine.previewUpload(request);
    },
    async takeSnapshot(source, name) {
      if (source.kind === "workspace") await find(source.workspaceRoot)?.refresh();
      return await engine.takeSnapshot(source, name);
    },
    async restoreWorkspace(snapshotId, maxFileMiB) {
      const snapshots = await engine.listSnapshots();
      const snapshot = snapshots.find(({ id }) => id === snapshotId);
      if (snapshot) await find(snapshot.workspaceRoot)?.refresh();
      return await engine.restoreWorkspace(snapshotId, maxFileMiB);
    },
    async readChanges(id) {
      await refreshOf(id);
      return await engine.readChanges(id);
    },
    async applyChanges(id, paths, overwrite) {
      const mirror = await refreshOf(id);
      const result = await engine.applyChanges(id, paths, overwrite);
      return mirror ? await writeBack(mirror, result) : result;
    },
  };
  return new Proxy(engine, {
    get(target, name) {
      const own: unknown = Reflect.get(overrides, name) ?? Reflect.get(target, name, target);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
}

async function writeBack(mirror: MirrorFolder, result: ApplyResult): Promise<ApplyResult> {
  const { written, conflicts } = await mirror.writeBack(result.applied);
  const merged = result.merged.filter((path) => written.includes(path));
  return { ...result, applied: written, merged, conflicts: [...result.conflicts, ...conflicts] };
}

async function findOwner(engine: Engine, find: FindMirror, id: string): Promise<MirrorFolder | undefined> {
  const [runs, changeSets] = await Promise.all([engine.listRuns(), engine.listChangeSets()]);
  const record = [...runs, ...changeSets].find((each) => each.id === id);
  return record && find(record.workspaceRoot);
}

/** Keeps one mirror per open folder that is not on disk. */
export function createMirrors(): FindMirror {
  const mirrors = new Map<string, MirrorFolder>();
  return (workspaceRoot) => {
    const folder = findFolder(workspaceRoot);
    if (!folder || folder.uri.scheme === "file") return undefined;
    const known = mirrors.get(workspaceRoot) ?? new MirrorFolder(folder.uri, workspaceRoot);
    mirrors.set(workspaceRoot, known);
    return known;
  };
}
