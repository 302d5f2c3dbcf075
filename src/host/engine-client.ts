import type { Socket } from "node:net";
import { Emitter } from "../core/event.ts";
import type { Logger } from "../core/logger.ts";
import { SandboxError, type ErrorCode } from "../core/sandbox-error.ts";
import type { TerminalSize } from "../core/sandbox.ts";
import type { CloudEngine } from "../sessions/cloud-engine.ts";
import type { ApplyResult, Engine, EngineEvent, PathSelection } from "../sessions/engine.ts";
import type { ReviewedChange, RunRecord, RunRequest, SessionRecord, Target } from "../sessions/records.ts";
import type { SnapshotEngine } from "../sessions/snapshot-engine.ts";
import type {
  ChangeSetRecord,
  PreviewRequest,
  RetentionPolicy,
  SnapshotChange,
  SnapshotFile,
  SnapshotRecord,
  SnapshotSource,
  StorageReport,
  UploadPreview,
} from "../sessions/snapshot-records.ts";
import { createFrameReader, writeFrame } from "./frame-stream.ts";
import { type Frame, type Hello, type Method, PROTOCOL_VERSION } from "./protocol.ts";

const MAX_INPUT_BYTES = 256 * 1024;

/** An engine in another process, for as long as the connection lasts. */
export interface ConnectedEngine extends Engine {
  /** Resolves when the engine can be reached no more: it crashed, or `dispose` was called. Pending calls have rejected then. */
  readonly closed: Promise<void>;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Speaks to an engine over a socket. What it says is believed: only the user can have opened that socket. */
export class EngineClient implements ConnectedEngine {
  readonly #socket: Socket;
  readonly #logger: Logger;
  readonly #changed = new Emitter<EngineEvent>();
  readonly #pending = new Map<number, Pending>();
  #helloWaiter: ((hello: Hello | undefined) => void) | undefined;
  #lastId = 0;
  #isClosed = false;
  readonly closed: Promise<void>;
  readonly onDidChange = this.#changed.event;

  constructor(socket: Socket, logger: Logger) {
    this.#socket = socket;
    this.#logger = logger;
    const reader = createFrameReader(
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the engine is of this protocol: hello said so
      (frame) => this.#take(frame as Frame),
      (message) => socket.destroy(new Error(message)),
    );
    socket.on("data", (data) => reader.push(data));
    socket.on("error", (error) => logger.debug(`The connection to the engine broke: ${error.message}`));
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#close();
        resolve();
      });
    });
  }

  /** Resolves with what the engine is, or undefined when it went away. */
  async greet({ version, role }: { readonly version: string; readonly role: string }): Promise<Hello | undefined> {
    const answer = new Promise<Hello | undefined>((resolve) => {
      this.#helloWaiter = resolve;
    });
    const hello: Hello = { type: "hello", protocol: PROTOCOL_VERSION, version, role, pid: process.pid };
    await writeFrame(this.#socket, hello);
    return await answer;
  }

  /** Asks the engine to end; resolves with whether it will. */
  async retire(): Promise<boolean> {
    return await this.#request("retire", []);
  }

  async startRun(request: RunRequest): Promise<RunRecord> {
    return await this.#request("startRun", [request]);
  }

  async writeInput(runId: string, data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += MAX_INPUT_BYTES) {
      const part = Buffer.from(data.buffer, data.byteOffset + at, Math.min(MAX_INPUT_BYTES, data.length - at));
      await this.#request("writeInput", [runId, part.toString("base64")]);
    }
  }

  async closeInput(runId: string): Promise<void> {
    await this.#request("closeInput", [runId]);
  }

  async resizeRun(runId: string, size: TerminalSize): Promise<void> {
    await this.#request("resizeRun", [runId, size]);
  }

  async stopRun(runId: string, force: boolean): Promise<void> {
    await this.#request("stopRun", [runId, force]);
  }

  async startSession(workspaceRoot: string, target: Target): Promise<SessionRecord> {
    return await this.#request("startSession", [workspaceRoot, target]);
  }

  async destroySession(sessionId: string): Promise<void> {
    await this.#request("destroySession", [sessionId]);
  }

  async listRuns(): Promise<readonly RunRecord[]> {
    return await this.#request("listRuns", []);
  }

  async listSessions(): Promise<readonly SessionRecord[]> {
    return await this.#request("listSessions", []);
  }

  async readChanges(runId: string): Promise<readonly ReviewedChange[]> {
    return await this.#request("readChanges", [runId]);
  }

  async applyChanges(runId: string, paths: PathSelection, overwrite: readonly string[]): Promise<ApplyResult> {
    return await this.#request("applyChanges", [runId, paths, overwrite]);
  }

  async discardChanges(runId: string, paths: PathSelection): Promise<void> {
    await this.#request("discardChanges", [runId, paths]);
  }

  async checkTarget(target: Target): Promise<void> {
    await this.#request("checkTarget", [target]);
  }

  async listSnapshots(): Promise<readonly SnapshotRecord[]> {
    return await this.#request("listSnapshots", []);
  }

  async takeSnapshot(source: SnapshotSource, name?: string): Promise<SnapshotRecord> {
    return await this.#request("takeSnapshot", [source, name]);
  }

  async listSnapshotFiles(snapshotId: string): Promise<readonly SnapshotFile[]> {
    return await this.#request("listSnapshotFiles", [snapshotId]);
  }

  async diffSnapshots(fromId: string, toId: string): Promise<readonly SnapshotChange[]> {
    return await this.#request("diffSnapshots", [fromId, toId]);
  }

  async updateSnapshot(
    snapshotId: string,
    change: { readonly name?: string; readonly isPinned?: boolean },
  ): Promise<SnapshotRecord> {
    return await this.#request("updateSnapshot", [snapshotId, change]);
  }

  async deleteSnapshot(snapshotId: string): Promise<void> {
    await this.#request("deleteSnapshot", [snapshotId]);
  }

  async exportSnapshot(snapshotId: string, file: string): Promise<void> {
    await this.#request("exportSnapshot", [snapshotId, file]);
  }

  async importSnapshot(file: string, workspaceRoot: string): Promise<SnapshotRecord> {
    return await this.#request("importSnapshot", [file, workspaceRoot]);
  }

  async restoreWorkspace(snapshotId: string, maxFileMiB: number): Promise<ChangeSetRecord> {
    return await this.#request("restoreWorkspace", [snapshotId, maxFileMiB]);
  }

  async restoreSession(snapshotId: string, target: Target, sessionId?: string): Promise<SessionRecord> {
    return await this.#request("restoreSession", [snapshotId, target, sessionId]);
  }

  async forkSession(sessionId: string, target?: Target): Promise<SessionRecord> {
    return await this.#request("forkSession", [sessionId, target]);
  }

  findSecrets: SnapshotEngine["findSecrets"] = (id) => this.#request("findSecrets", [id]);

  async listChangeSets(): Promise<readonly ChangeSetRecord[]> {
    return await this.#request("listChangeSets", []);
  }

  async pullSession(sessionId: string): Promise<ChangeSetRecord> {
    return await this.#request("pullSession", [sessionId]);
  }

  async previewUpload(request: PreviewRequest): Promise<UploadPreview> {
    return await this.#request("previewUpload", [request]);
  }

  async allowSecrets(workspaceRoot: string, fingerprints: readonly string[]): Promise<void> {
    await this.#request("allowSecrets", [workspaceRoot, fingerprints]);
  }

  async readStorage(): Promise<StorageReport> {
    return await this.#request("readStorage", []);
  }

  async setRetention(policy: RetentionPolicy): Promise<void> {
    await this.#request("setRetention", [policy]);
  }

  setCredential: CloudEngine["setCredential"] = (providerId, credential) =>
    this.#request("setCredential", [providerId, credential]);
  listGpus: CloudEngine["listGpus"] = (target) => this.#request("listGpus", [target]);
  estimateRate: CloudEngine["estimateRate"] = (target) => this.#request("estimateRate", [target]);
  readCosts: CloudEngine["readCosts"] = () => this.#request("readCosts", []);
  setCostPolicy: CloudEngine["setCostPolicy"] = (policy) => this.#request("setCostPolicy", [policy]);
  setWarmPool: CloudEngine["setWarmPool"] = (size) => this.#request("setWarmPool", [size]);
  startBatch: CloudEngine["startBatch"] = (request, plan) => this.#request("startBatch", [request, plan]);
  stopBatch: CloudEngine["stopBatch"] = (id) => this.#request("stopBatch", [id]);
  listBatches: CloudEngine["listBatches"] = () => this.#request("listBatches", []);
  listImages: CloudEngine["listImages"] = (target) => this.#request("listImages", [target]);
  listContexts: CloudEngine["listContexts"] = (id) => this.#request("listContexts", [id]);
  restartContext: CloudEngine["restartContext"] = (id, contextId) => this.#request("restartContext", [id, contextId]);
  openPort: CloudEngine["openPort"] = (id, port) => this.#request("openPort", [id, port]);
  saveImage: CloudEngine["saveImage"] = (id) => this.#request("saveImage", [id]);
  pauseSession: CloudEngine["pauseSession"] = (id) => this.#request("pauseSession", [id]);
  resumeSession: CloudEngine["resumeSession"] = (id) => this.#request("resumeSession", [id]);

  async dispose(): Promise<void> {
    this.#socket.end();
    this.#socket.destroySoon();
    await this.closed;
    this.#changed.dispose();
  }

  #request<T>(method: Method, params: readonly unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#isClosed) {
        reject(toLostError());
        return;
      }
      this.#lastId += 1;
      const id = this.#lastId;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what each method answers is what the engine's has
      this.#pending.set(id, { resolve: (result) => resolve(result as T), reject });
      void writeFrame(this.#socket, { type: "request", id, method, params });
    });
  }

  #take(frame: Frame): void {
    switch (frame.type) {
      case "hello":
        this.#helloWaiter?.(frame);
        break;
      case "event":
        this.#changed.fire(frame.event);
        break;
      case "response":
        this.#settle(frame);
        break;
      case "complaint":
        this.#logger.warn(`The engine complains: ${frame.message}`);
        break;
      case "request":
        break;
    }
  }

  #settle(frame: Extract<Frame, { type: "response" }>): void {
    const pending = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    if ("error" in frame) pending?.reject(toError(frame.error));
    else pending?.resolve(frame.result);
  }

  #close(): void {
    this.#isClosed = true;
    this.#helloWaiter?.(undefined);
    for (const pending of this.#pending.values()) pending.reject(toLostError());
    this.#pending.clear();
  }
}

function toError({ code, message }: { readonly code: ErrorCode; readonly message: string }): SandboxError {
  return new SandboxError(code, message);
}

function toLostError(): SandboxError {
  const message =
    "The connection to Sandpiper's engine was lost. Try again: it is started anew, and what it was doing is shown as lost.";
  return new SandboxError("unavailable", message);
}
