import { SandboxError } from "../core/sandbox-error.ts";
import type { Engine } from "../sessions/engine.ts";
import { METHODS, type Method, type Request } from "./protocol.ts";
import {
  isBatchPlan,
  isCostPolicy,
  isFlag,
  isNumber,
  isPreviewRequest,
  isProviderId,
  isRecord,
  isRetentionPolicy,
  isRunRequest,
  isSelection,
  isSize,
  isSnapshotSource,
  isSnapshotUpdate,
  isTarget,
  isText,
  isTextRecord,
  isTexts,
} from "./request-shapes.ts";

/** Calls the engine's method that a request names. @throws {SandboxError} `invalid` when the parameters do not fit it */
export async function dispatch(
  engine: Engine,
  method: Exclude<Method, "retire">,
  params: readonly unknown[],
): Promise<unknown> {
  return await CALLS[method](engine, params);
}

type Calls = Readonly<
  Record<Exclude<Method, "retire">, (engine: Engine, params: readonly unknown[]) => Promise<unknown>>
>;

const CALLS: Calls = {
  startRun: (engine, [request]) => engine.startRun(take(request, isRunRequest)),
  writeInput: (engine, [id, data]) => engine.writeInput(take(id, isText), Buffer.from(take(data, isText), "base64")),
  closeInput: (engine, [id]) => engine.closeInput(take(id, isText)),
  resizeRun: (engine, [id, size]) => engine.resizeRun(take(id, isText), take(size, isSize)),
  stopRun: (engine, [id, force]) => engine.stopRun(take(id, isText), take(force, isFlag)),
  startSession: (engine, [root, target]) => engine.startSession(take(root, isText), take(target, isTarget)),
  destroySession: (engine, [id]) => engine.destroySession(take(id, isText)),
  listRuns: (engine) => engine.listRuns(),
  listSessions: (engine) => engine.listSessions(),
  readChanges: (engine, [id]) => engine.readChanges(take(id, isText)),
  applyChanges: (engine, [id, paths, overwrite]) =>
    engine.applyChanges(take(id, isText), take(paths, isSelection), take(overwrite, isTexts)),
  discardChanges: (engine, [id, paths]) => engine.discardChanges(take(id, isText), take(paths, isSelection)),
  checkTarget: (engine, [target]) => engine.checkTarget(take(target, isTarget)),
  listSnapshots: (engine) => engine.listSnapshots(),
  takeSnapshot: (engine, [source, name]) =>
    engine.takeSnapshot(take(source, isSnapshotSource), takeOptional(name, isText)),
  listSnapshotFiles: (engine, [id]) => engine.listSnapshotFiles(take(id, isText)),
  diffSnapshots: (engine, [from, to]) => engine.diffSnapshots(take(from, isText), take(to, isText)),
  updateSnapshot: (engine, [id, change]) => engine.updateSnapshot(take(id, isText), take(change, isSnapshotUpdate)),
  deleteSnapshot: (engine, [id]) => engine.deleteSnapshot(take(id, isText)),
  exportSnapshot: (engine, [id, file]) => engine.exportSnapshot(take(id, isText), take(file, isText)),
  importSnapshot: (engine, [file, root]) => engine.importSnapshot(take(file, isText), take(root, isText)),
  restoreWorkspace: (engine, [id, maxFileMiB]) => engine.restoreWorkspace(take(id, isText), take(maxFileMiB, isNumber)),
  restoreSession: (engine, [id, target, session]) =>
    engine.restoreSession(take(id, isText), take(target, isTarget), takeOptional(session, isText)),
  forkSession: (engine, [id, target]) => engine.forkSession(take(id, isText), takeOptional(target, isTarget)),
  findSecrets: (engine, [id]) => engine.findSecrets(take(id, isText)),
  listChangeSets: (engine) => engine.listChangeSets(),
  pullSession: (engine, [id]) => engine.pullSession(take(id, isText)),
  previewUpload: (engine, [request]) => engine.previewUpload(take(request, isPreviewRequest)),
  allowSecrets: (engine, [root, fingerprints]) => engine.allowSecrets(take(root, isText), take(fingerprints, isTexts)),
  readStorage: (engine) => engine.readStorage(),
  setRetention: (engine, [policy]) => engine.setRetention(take(policy, isRetentionPolicy)),
  setCredential: (engine, [providerId, credential]) =>
    engine.setCredential(take(providerId, isProviderId), takeOptional(credential, isTextRecord)),
  listGpus: (engine, [target]) => engine.listGpus(take(target, isTarget)),
  estimateRate: (engine, [target]) => engine.estimateRate(take(target, isTarget)),
  readCosts: (engine) => engine.readCosts(),
  setCostPolicy: (engine, [policy]) => engine.setCostPolicy(take(policy, isCostPolicy)),
  setWarmPool: (engine, [size]) => engine.setWarmPool(take(size, isNumber)),
  startBatch: (engine, [request, plan]) => engine.startBatch(take(request, isRunRequest), take(plan, isBatchPlan)),
  stopBatch: (engine, [id]) => engine.stopBatch(take(id, isText)),
  listBatches: (engine) => engine.listBatches(),
  openPort: (engine, [id, port]) => engine.openPort(take(id, isText), take(port, isNumber)),
  saveImage: (engine, [id]) => engine.saveImage(take(id, isText)),
  pauseSession: (engine, [id]) => engine.pauseSession(take(id, isText)),
  resumeSession: (engine, [id]) => engine.resumeSession(take(id, isText)),
  listContexts: (engine, [id]) => engine.listContexts(take(id, isText)),
  restartContext: (engine, [id, contextId]) => engine.restartContext(take(id, isText), take(contextId, isText)),
  listImages: (engine, [target]) => engine.listImages(take(target, isTarget)),
};

/** Whether a frame is a request that can be answered. */
export function isRequest(frame: unknown): frame is Request {
  return (
    isRecord(frame) &&
    frame["type"] === "request" &&
    typeof frame["id"] === "number" &&
    METHODS.some((method) => method === frame["method"]) &&
    Array.isArray(frame["params"])
  );
}

function take<T>(value: unknown, fits: (value: unknown) => value is T): T {
  if (fits(value)) return value;
  throw new SandboxError("invalid", "A request to Sandpiper's engine had a parameter of the wrong kind.");
}

// A parameter that is left out arrives as null.
function takeOptional<T>(value: unknown, fits: (value: unknown) => value is T): T | undefined {
  return value === undefined || value === null ? undefined : take(value, fits);
}
