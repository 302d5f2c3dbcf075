import type { Call } from "../core/call.ts";
import type { Progress } from "../core/provider.ts";
import type { BatchSource } from "./batch/batch-source.ts";
import type { Clock } from "./clock.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import { isGone } from "./end-sandbox.ts";
import { isSameEntry, type Manifest, toManifest } from "../snapshots/manifest.ts";
import type { ObjectStore } from "../snapshots/store/object-store.ts";
import type { Scan, Scanner } from "../snapshots/scan/scanner.ts";
import { type LiveSession, takeNews } from "./live-session.ts";
import { describeMount, describeRestore, type Mounted } from "./native/describe-mount.ts";
import type { NativeDesk } from "./native/native-desk.ts";
import { planPush } from "./plan-push.ts";
import { pullFiles } from "./pull.ts";
import { toPullDeps } from "./pull-deps.ts";
import { NOTHING_SENT, type SentFiles } from "./push.ts";
import { pushChecked } from "./push-checked.ts";
import type { RunRequest } from "./records.ts";
import type { SessionPool } from "./session-pool.ts";
import { type StateFolder, toScanCacheFile } from "./state-folder.ts";
import { checkUpload, type UploadCheckDeps } from "./upload-check.ts";
import { findPaused, selectWarm } from "./new-session.ts";
import { toMoment } from "./timeline/capture.ts";
import { restoreNewSession } from "./timeline/restore.ts";
import type { Moment, Timeline } from "./timeline/timeline.ts";

/** What bringing a workspace into a session needs. */
export interface PrepareDeps {
  readonly state: StateFolder;
  readonly scanner: Scanner;
  readonly store: ObjectStore;
  readonly pool: SessionPool;
  readonly timeline: Timeline;
  readonly clock: Clock;
  readonly uploads: UploadCheckDeps;
  readonly native: NativeDesk;
}

/** A session that holds the workspace as it is on screen. */
export interface PreparedRun {
  readonly session: LiveSession;
  readonly scan: Scan;
  /** What the sandbox held before; what the run changed is told from it. */
  readonly before: Manifest;
  /** What was just pushed, to be recorded once the command has started. */
  readonly moment: Moment;
  /** Before the command, into a session of its own too. */
  readonly sent: SentFiles;
  readonly notes: readonly string[];
}

/** What to prepare for, and who wants to know how it goes. */
export interface PrepareRequest {
  readonly run: RunRequest;
  readonly runId: string;
  /** Of a run that is one of a batch. */
  readonly source: BatchSource | undefined;
  readonly progress: Progress;
  /** Called with the session that was found, before anything is done in it. */
  readonly onDidAcquire: (session: LiveSession) => void;
}

/** Scans, finds or starts the session and pushes. The session counts the run as its own from then on. */
export async function prepareRun(deps: PrepareDeps, request: PrepareRequest, call: Call): Promise<PreparedRun> {
  const { run, progress, source } = request;
  const failure = new AbortController();
  const own: Call = { ...call, signal: AbortSignal.any([call.signal, failure.signal]) };
  const { workspaceRoot, target, timeoutMs, snapshotId } = run;
  if (source) return await prepareBatchRun(deps, request, source, call);
  if (snapshotId !== undefined) return await prepareSnapshotRun(deps, request, snapshotId, call);
  try {
    // Creating a sandbox takes as long as scanning does.
    const [{ scan, isChecked }, { session, notes }] = await Promise.all([
      scanWorkspace(deps, run, own.signal).then((found) => checkCold(deps, run, found, own)),
      deps.pool.acquire({ workspaceRoot, target, neededMs: timeoutMs }, own, progress),
    ]);
    checkIsSent(run, scan);
    request.onDidAcquire(session);
    const brought = await bring(deps, request, { session, scan, isChecked }, own);
    return { ...brought, notes: [...takeNews(session, scan.notes), ...notes, ...brought.notes] };
  } catch (error) {
    // The half that goes on has nobody to go on for.
    failure.abort(error);
    throw error;
  }
}

// A sandbox of its own, that nothing of the workspace is sent to.
async function prepareSnapshotRun(
  deps: PrepareDeps,
  request: PrepareRequest,
  snapshotId: string,
  call: Call,
): Promise<PreparedRun> {
  const { run, progress } = request;
  const manifest = await deps.timeline.readTree(snapshotId);
  const { totalBytes, treeHash } = deps.timeline.find(snapshotId);
  const scan: Scan = { manifest, skipped: [], notes: [], totalBytes, treeHash, isVerified: true };
  checkIsSent(run, scan);
  const upload = { workspaceRoot: run.workspaceRoot, manifest, paths: [...manifest.keys()], overlays: [] };
  await checkUpload(deps.uploads, upload, run, call);
  progress("Creating a sandbox with the snapshot's files");
  const session = await restoreNewSession(deps, { snapshotId, target: run.target, isDetached: true }, call);
  request.onDidAcquire(session);
  const asSaved = { ...request, run: { ...run, overlays: [] } };
  return await bring(deps, asSaved, { session, scan }, call);
}

// The same, of a snapshot that was looked at, checked and packed for all of the batch.
async function prepareBatchRun(
  deps: PrepareDeps,
  request: PrepareRequest,
  source: BatchSource,
  call: Call,
): Promise<PreparedRun> {
  const { run, runId, progress } = request;
  const { id: snapshotId, tree: manifest, totalBytes, treeHash } = source.snapshot;
  progress("Waiting for its turn");
  const create = async (): Promise<LiveSession> => {
    progress("Creating a sandbox with the batch's files");
    return await restoreNewSession(deps, { snapshotId, target: run.target, isDetached: true, source }, call);
  };
  const session = await source.admit(runId, create, call);
  request.onDidAcquire(session);
  const scan: Scan = { manifest, skipped: [], notes: [], totalBytes, treeHash, isVerified: true };
  return await bring(deps, request, { session, scan }, call);
}

function scanWorkspace(deps: PrepareDeps, request: RunRequest, signal: AbortSignal): Promise<Scan> {
  const scanRequest = {
    root: request.workspaceRoot,
    cacheFile: toScanCacheFile(deps.state, request.workspaceRoot),
    overlays: request.overlays,
    maxFileBytes: request.maxFileMiB * 1024 ** 2,
    watch: true,
  };
  return deps.scanner.scan(scanRequest, signal);
}

// Everything goes into a new sandbox: there is no need to wait for that to know whether it may.
async function checkCold(
  deps: PrepareDeps,
  request: RunRequest,
  scan: Scan,
  call: Call,
): Promise<Required<Pick<Found, "scan" | "isChecked">>> {
  const sessions = deps.pool.list();
  const isCold = selectWarm(sessions, request).length === 0 && !findPaused(sessions, request);
  if (isCold) await checkWhole(deps, request, scan, call);
  return { scan, isChecked: isCold };
}

async function checkWhole(deps: PrepareDeps, request: RunRequest, { manifest }: Scan, call: Call): Promise<void> {
  const { workspaceRoot, overlays } = request;
  const texts = overlays.filter(({ path }) => manifest.has(path));
  await checkUpload(
    deps.uploads,
    { workspaceRoot, manifest, paths: [...manifest.keys()], overlays: texts },
    request,
    call,
  );
}

/**
 * What is to be run was there when it was asked for; it may have gone since.
 * @throws {SandboxError} `invalid` when it is not among what is sent
 */
export function checkIsSent({ command }: RunRequest, scan: Pick<Scan, "manifest" | "skipped">): void {
  if (command.kind === "code" && scan.manifest.has(command.path))
    throw new SandboxError("invalid", `${toDisplay(command.path)} is there already: code needs a path of its own.`);
  if (command.kind !== "file" || scan.manifest.has(command.path)) return;
  const reason = scan.skipped.find(({ path }) => path === command.path || command.path.startsWith(`${path}/`))?.reason;
  throw new SandboxError("invalid", `${toDisplay(command.path)} cannot be run: ${reason ?? "it is gone"}.`);
}

interface Found extends Pick<PreparedRun, "session" | "scan"> {
  /** All that was scanned may be in a sandbox. */
  readonly isChecked?: boolean;
}

async function bring(
  deps: PrepareDeps,
  { run: request, runId, progress }: PrepareRequest,
  { session, scan, isChecked }: Found,
  call: Call,
): Promise<PreparedRun> {
  return await session.lock(async () => {
    // What is mounted is not sent, and has to be allowed all the same.
    const onWillMount = isChecked ? undefined : () => checkWhole(deps, request, scan, call);
    const mounted = await deps.native.mountNearest(session, scan.manifest, call, onWillMount);
    const unclaimed = await lookAfterEarlierRuns(deps, request, { session, scan }, call);
    const { files } = session;
    const found = files.known;
    const { command } = request;
    const extra = command.kind === "code" ? { path: command.path, text: command.text } : undefined;
    if (extra) session.extraPaths.add(extra.path);
    const { workspaceRoot, overlays } = request;
    const { store } = deps;
    const push = { workspaceRoot, overlays, local: scan.manifest, store, ...(extra ? { extra } : {}) };
    const { kept, sent } = await pushChecked(deps.uploads, session, { run: request, push }, call);
    await deps.native.saveAfterPush(session, sent.totalBytes, call, progress);
    session.runIds.add(runId);
    if (request.snapshotId === undefined) session.leftOut = scan.skipped.map(({ path }) => path);
    if (session.record.batchId === undefined) noteEnvironment(deps.pool, session, Object.keys(request.env));
    const before = unclaimed ? withPush(unclaimed, found, files.known) : files.known;
    const moment = { ...toMoment(session, { cause: "push", runId }), kept };
    return { session, scan, before, moment, ...tellArrival(session, { sent, mounted }, deps.clock) };
  }, call.signal);
}

// What a snapshot was restored from is told by the first run in it; what was sent for that counts as its own only where
// the session is.
function tellArrival(
  session: LiveSession,
  { sent, mounted }: { readonly sent: SentFiles; readonly mounted: Mounted | undefined },
  clock: Clock,
): Pick<PreparedRun, "sent" | "notes"> {
  const earlier = session.arrival ?? { sent: NOTHING_SENT, mounted: undefined };
  session.arrival = undefined;
  const now = clock.now();
  const { isDetached } = session.record;
  const describeEarlier = isDetached ? describeMount : describeRestore;
  const notes = [
    ...(earlier.mounted ? [describeEarlier(earlier.mounted, earlier.sent, now)] : []),
    ...(mounted ? [describeMount(mounted, sent, now)] : []),
  ];
  return { sent: isDetached ? addSent(earlier.sent, sent) : sent, notes };
}

function addSent(a: SentFiles, b: SentFiles): SentFiles {
  return { fileCount: a.fileCount + b.fileCount, totalBytes: a.totalBytes + b.totalBytes };
}

// For whoever restores the session: which variables it had is worth knowing, and their values are nobody's business.
function noteEnvironment(pool: SessionPool, session: LiveSession, names: readonly string[]): void {
  const known = session.record.envNames ?? [];
  const envNames = [...new Set([...known, ...names])].sort();
  if (envNames.length > known.length) void pool.save({ ...session.record, envNames }).catch(() => undefined);
}

function hasNothingToSend({ files }: LiveSession, { manifest }: Scan): boolean {
  const { send, deletes } = planPush({ local: manifest, ...files });
  return send.length + deletes.length === 0;
}

// A push makes the sandbox forget which files were touched before it: they have to be looked at first. Resolves with
// what was known before that look when what it found is nobody's: then this run tells of it.
async function lookAfterEarlierRuns(
  deps: PrepareDeps,
  request: RunRequest,
  { session, scan }: Found,
  call: Call,
): Promise<Manifest | undefined> {
  const before = session.files.known;
  if (!session.files.isUnchecked) return undefined;
  // As long as nothing is sent, what contexts did meanwhile is found by the look after the cell.
  if (session.hasContexts && request.command.kind === "cell" && hasNothingToSend(session, scan)) return undefined;
  try {
    await pullFiles(session.sandbox, session.files, toPullDeps(deps.store, request, session), call);
  } catch (error) {
    if (isGone(error) || call.signal.aborted) throw error;
    call.logger.warn(`What earlier runs left could not be looked at: ${toMessage(error)}`);
  }
  if (session.runIds.size > 0) return undefined;
  session.files.isUnchecked = session.hasContexts;
  return before;
}

// The push itself is no run's doing.
function withPush(earlier: Manifest, beforePush: Manifest, afterPush: Manifest): Manifest {
  const merged = new Map(earlier);
  for (const path of new Set([...beforePush.keys(), ...afterPush.keys()])) {
    const entry = afterPush.get(path);
    if (isSameEntry(beforePush.get(path), entry)) continue;
    if (entry) merged.set(path, entry);
    else merged.delete(path);
  }
  return toManifest(merged);
}
