import { isAbsolute } from "node:path";
import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import { toManifest } from "../../snapshots/manifest.ts";
import { readArchive } from "../../snapshots/archive/read-archive.ts";
import { writeArchive } from "../../snapshots/archive/write-archive.ts";
import { type PlannedChange, planChanges } from "../../snapshots/changes/merge.ts";
import type { ObjectStore } from "../../snapshots/store/object-store.ts";
import { withRenames } from "../../snapshots/changes/renames.ts";
import type { SecretFinding } from "../../snapshots/secrets/secret-finding.ts";
import type { Scan, Scanner } from "../../snapshots/scan/scanner.ts";
import type { ChangeSetStore } from "../change-set-store.ts";
import { checkTarget, checkWorkspaceRoot } from "../check-request.ts";
import type { Clock } from "../clock.ts";
import type { NativeDesk } from "../native/native-desk.ts";
import { proposeChanges } from "../propose-changes.ts";
import type { Overlay, SessionRecord, Target } from "../records.ts";
import type { SessionPool } from "../session-pool.ts";
import type {
  ChangeSetRecord,
  SnapshotCause,
  SnapshotChange,
  SnapshotFile,
  SnapshotRecord,
  SnapshotSource,
} from "../snapshot-records.ts";
import { type StateFolder, toScanCacheFile } from "../state-folder.ts";
import { toRestoreError } from "../blocked-upload.ts";
import { findUnallowed, type UploadCheckDeps } from "../upload-check.ts";
import { captureSession } from "./capture.ts";
import { findMissing, keepContents } from "./keep-contents.ts";
import { restoreIntoSession, restoreNewSession } from "./restore.ts";
import { planRestore } from "./restore-workspace.ts";
import type { Timeline } from "./timeline.ts";

/** What snapshots are taken with, and restored by. */
export interface SnapshotDeskDeps {
  readonly state: StateFolder;
  readonly timeline: Timeline;
  readonly store: ObjectStore;
  readonly scanner: Scanner;
  readonly pool: SessionPool;
  readonly changeSets: ChangeSetStore;
  readonly clock: Clock;
  readonly uploads: UploadCheckDeps;
  readonly native: NativeDesk;
  readonly newCall: () => Call;
}

// An archive from elsewhere: more than this is no workspace.
const IMPORT_LIMITS = { maxEntries: 1_000_000, maxTotalBytes: 64 * 1024 ** 3, maxFileBytes: 64 * 1024 ** 3 };

/** Takes, compares, carries and restores snapshots. What each method promises is said in `SnapshotEngine`. */
export class SnapshotDesk {
  readonly #deps: SnapshotDeskDeps;

  constructor(deps: SnapshotDeskDeps) {
    this.#deps = deps;
  }

  async take(source: SnapshotSource, name?: string): Promise<SnapshotRecord> {
    const named = name?.trim() ? { name: name.trim() } : {};
    if (source.kind === "workspace") {
      const { record } = await this.#takeWorkspace(source, "request", named.name);
      return record;
    }
    const call = this.#deps.newCall();
    const session = await this.#deps.pool.open(source.sessionId, call);
    return await captureSession(this.#deps, session, { cause: "request", ...named }, call);
  }

  async listFiles(snapshotId: string): Promise<readonly SnapshotFile[]> {
    const tree = await this.#deps.timeline.readTree(snapshotId);
    return Array.from(tree, ([path, entry]) => ({ path, entry }));
  }

  async diff(fromId: string, toId: string): Promise<readonly SnapshotChange[]> {
    const [from, to] = await Promise.all([fromId, toId].map((id) => this.#deps.timeline.readTree(id)));
    if (!from || !to) return [];
    return withRenames(planChanges(from, to)).map((change) => toSnapshotChange(change));
  }

  async exportTo(snapshotId: string, file: string): Promise<void> {
    checkAbsolute(file);
    const { timeline, store } = this.#deps;
    const { name, createdAt, envNames, target, cause } = timeline.find(snapshotId);
    const note = { createdAt, envNames, cause, ...(name ? { name } : {}), ...(target ? { target } : {}) };
    await writeArchive({ manifest: await timeline.readTree(snapshotId), store, note }, file);
  }

  async importFrom(file: string, workspaceRoot: string): Promise<SnapshotRecord> {
    checkAbsolute(file);
    await checkWorkspaceRoot(workspaceRoot);
    const { store, timeline } = this.#deps;
    const { manifest, note } = await readArchive(file, store, IMPORT_LIMITS);
    const name = typeof note["name"] === "string" && note["name"] !== "" ? note["name"] : undefined;
    const envNames = Array.isArray(note["envNames"]) ? note["envNames"].filter((each) => typeof each === "string") : [];
    return await timeline.record({
      tree: manifest,
      base: manifest,
      workspaceRoot,
      cause: "import",
      envNames,
      leftOut: [],
      // It came by hand, and stays until it goes by hand.
      name: name ?? "Imported",
    });
  }

  async restoreWorkspace(snapshotId: string, maxFileMiB: number): Promise<ChangeSetRecord> {
    const { timeline, changeSets, store } = this.#deps;
    const { workspaceRoot, name, createdAt } = timeline.find(snapshotId);
    const tree = await timeline.readTree(snapshotId);
    const leftOut = await timeline.readLeftOut(snapshotId);
    const { scan } = await this.#takeWorkspace({ workspaceRoot, overlays: [], maxFileMiB }, "restore");
    const changes = planRestore(scan.manifest, tree, leftOut);
    await checkKept(changes, store);
    return await changeSets.create({
      title: `Restore ${name ?? createdAt.slice(0, 16).replace("T", " ")}`,
      workspaceRoot,
      cause: "restore",
      snapshotId,
      changes: await proposeChanges(changes, store),
    });
  }

  async restoreSession(snapshotId: string, target: Target, sessionId?: string): Promise<SessionRecord> {
    const call = this.#deps.newCall();
    const findings = await this.findSecrets(snapshotId);
    if (findings.length > 0) throw toRestoreError(findings);
    if (sessionId !== undefined) return (await restoreIntoSession(this.#deps, { snapshotId, sessionId }, call)).record;
    checkTarget(target);
    await checkWorkspaceRoot(this.#deps.timeline.find(snapshotId).workspaceRoot);
    return (await restoreNewSession(this.#deps, { snapshotId, target }, call)).record;
  }

  async findSecrets(snapshotId: string): Promise<readonly SecretFinding[]> {
    const { timeline, uploads, newCall } = this.#deps;
    const { workspaceRoot } = timeline.find(snapshotId);
    const manifest = await timeline.readTree(snapshotId);
    const upload = { workspaceRoot, manifest, paths: [...manifest.keys()], overlays: [] };
    return (await findUnallowed(uploads, upload, [], newCall())).findings;
  }

  async fork(sessionId: string, target?: Target): Promise<SessionRecord> {
    const call = this.#deps.newCall();
    const session = await this.#deps.pool.open(sessionId, call);
    const { id } = await captureSession(this.#deps, session, { cause: "request" }, call);
    return await this.restoreSession(id, target ?? session.record.target);
  }

  async #takeWorkspace(
    source: { readonly workspaceRoot: string; readonly overlays: readonly Overlay[]; readonly maxFileMiB: number },
    cause: SnapshotCause,
    name?: string,
  ): Promise<{ readonly record: SnapshotRecord; readonly scan: Scan }> {
    const { state, scanner, store, timeline } = this.#deps;
    const { workspaceRoot, overlays, maxFileMiB } = source;
    await checkWorkspaceRoot(workspaceRoot);
    const cacheFile = toScanCacheFile(state, workspaceRoot);
    const maxFileBytes = maxFileMiB * 1024 ** 2;
    const request = { root: workspaceRoot, cacheFile, overlays, maxFileBytes, watch: true };
    const scan = await scanner.scan(request, this.#deps.newCall().signal);
    const tree = await keepContents(scan.manifest, { workspaceRoot, overlays }, store);
    const leftOut = scan.skipped.map(({ path }) => path);
    const named = name === undefined ? {} : { name };
    const record = await timeline.record({ tree, base: tree, workspaceRoot, cause, envNames: [], leftOut, ...named });
    return { record, scan: { ...scan, manifest: tree } };
  }
}

function toSnapshotChange(change: PlannedChange & Pick<SnapshotChange, "renamedFrom">): SnapshotChange {
  const { path, kind, base, theirs, renamedFrom } = change;
  return {
    path,
    kind,
    ...(base ? { before: base } : {}),
    ...(theirs ? { after: theirs } : {}),
    ...(renamedFrom === undefined ? {} : { renamedFrom }),
  };
}

function checkAbsolute(file: string): void {
  if (!isAbsolute(file)) throw new SandboxError("invalid", `${file} is no absolute path.`);
}

// What cannot be written is better said now than half-way.
async function checkKept(changes: readonly PlannedChange[], store: ObjectStore): Promise<void> {
  const wanted = toManifest(changes.flatMap(({ path, theirs }) => (theirs ? [[path, theirs] as const] : [])));
  const [first, ...others] = await findMissing(wanted, store);
  if (first === undefined) return;
  const what = others.length > 0 ? `${toDisplay(first)} and ${others.length} more` : toDisplay(first);
  throw new SandboxError("unavailable", `The snapshot cannot be restored: the contents of ${what} are no longer kept.`);
}
