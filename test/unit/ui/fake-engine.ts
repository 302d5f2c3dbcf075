import { Emitter } from "../../../src/core/event.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import type { ApplyResult, EngineEvent, PathSelection } from "../../../src/sessions/engine.ts";
import type { ReviewedChange, RunRecord, RunRequest, SessionRecord, Target } from "../../../src/sessions/records.ts";
import type { SecretFinding } from "../../../src/snapshots/secrets/secret-finding.ts";
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
} from "../../../src/sessions/snapshot-records.ts";
import type { ConnectedEngine } from "../../../src/host/engine-client.ts";
import { EngineLink } from "../../../src/ui/engine-link.ts";

import { FakeCloud, fakeSession, TARGET } from "./fake-cloud.ts";

export { fakeSession, TARGET } from "./fake-cloud.ts";

/** A run that has ended well after 1.2 s, but for what is given. */
export function fakeRun(overrides: Partial<RunRecord> = {}): RunRecord {
  return {
    version: 1,
    id: "run-1",
    title: "train.py",
    workspaceRoot: "/ws",
    target: TARGET,
    boundary: "namespaces",
    command: { kind: "file", path: "train.py", args: [] },
    origin: "editor",
    hasPty: true,
    state: "ended",
    requestedAt: "2026-01-01T10:00:00.000Z",
    startedAt: "2026-01-01T10:00:01.000Z",
    endedAt: "2026-01-01T10:00:02.200Z",
    exit: { kind: "exited", code: 0 },
    ...overrides,
  };
}

/** A run that goes on. */
export function liveRun(overrides: Partial<RunRecord> = {}): RunRecord {
  const { endedAt: _ended, exit: _exit, ...run } = fakeRun();
  return { ...run, state: "running", ...overrides };
}

export function fakeChange(path: string, overrides: Partial<ReviewedChange> = {}): ReviewedChange {
  const theirs = { type: "file", sha256: `hash of ${path}`, sizeBytes: 3, executable: false } as const;
  return { path, kind: "added", theirs, decision: "pending", isProtected: false, status: "ready", ...overrides };
}

/** What a run left, just now. */
export function fakeSnapshot(overrides: Partial<SnapshotRecord> = {}): SnapshotRecord {
  return {
    version: 1,
    id: "snap-1",
    treeHash: `tree of ${overrides.id ?? "snap-1"}`,
    baseTreeHash: "base",
    workspaceRoot: "/ws",
    isPinned: false,
    cause: "exit",
    sessionId: "s-1",
    runId: "run-1",
    target: TARGET,
    envNames: [],
    createdAt: new Date().toISOString(),
    fileCount: 1204,
    totalBytes: 3_500_000,
    ...overrides,
  };
}

export function fakeChangeSet(overrides: Partial<ChangeSetRecord> = {}): ChangeSetRecord {
  return {
    version: 1,
    id: "set-1",
    title: "Restore Tuesday 14:03",
    workspaceRoot: "/ws",
    cause: "restore",
    createdAt: "2026-01-01T10:00:00.000Z",
    changes: { added: 0, modified: 1, deleted: 0, pending: 1 },
    ...overrides,
  };
}

/** An engine in memory: it records what it was asked and says what it is told to. */
export class FakeEngine extends FakeCloud implements ConnectedEngine {
  readonly events = new Emitter<EngineEvent>();
  readonly onDidChange = this.events.event;
  runs: RunRecord[] = [];
  sessions: SessionRecord[] = [];
  changes: ReviewedChange[] = [];
  secrets: SecretFinding[] = [];
  snapshots: SnapshotRecord[] = [];
  snapshotFiles: SnapshotFile[] = [];
  differences: SnapshotChange[] = [];
  changeSets: ChangeSetRecord[] = [];
  applyResult: ApplyResult | undefined;
  cut: () => void = () => undefined;
  readonly closed = new Promise<void>((resolve) => {
    this.cut = resolve;
  });

  preview: UploadPreview = { files: [], totalBytes: 0, sentBytes: 0, sentCount: 0, skipped: [], findings: [] };
  async previewUpload({ workspaceRoot, target }: PreviewRequest): Promise<UploadPreview> {
    this.asked.push(`preview ${workspaceRoot} for ${target.providerId}`);
    return this.preview;
  }
  async allowSecrets(workspaceRoot: string, fingerprints: readonly string[]): Promise<void> {
    this.asked.push(`allow ${fingerprints.join()} in ${workspaceRoot}`);
  }

  async listSnapshots(): Promise<readonly SnapshotRecord[]> {
    return this.snapshots;
  }
  async listSnapshotFiles(snapshotId: string): Promise<readonly SnapshotFile[]> {
    this.asked.push(`files of ${snapshotId}`);
    return this.snapshotFiles;
  }
  async diffSnapshots(fromId: string, toId: string): Promise<readonly SnapshotChange[]> {
    this.asked.push(`diff ${fromId} ${toId}`);
    return this.differences;
  }
  async takeSnapshot(source: SnapshotSource, name?: string): Promise<SnapshotRecord> {
    this.asked.push(
      `snapshot of ${source.kind === "session" ? source.sessionId : source.workspaceRoot} as ${name ?? ""}`,
    );
    return fakeSnapshot({ id: "taken", cause: "request" });
  }
  async updateSnapshot(
    snapshotId: string,
    change: { readonly name?: string; readonly isPinned?: boolean },
  ): Promise<SnapshotRecord> {
    this.asked.push(`update ${snapshotId} ${JSON.stringify(change)}`);
    return fakeSnapshot({ id: snapshotId });
  }
  async deleteSnapshot(snapshotId: string): Promise<void> {
    this.asked.push(`delete ${snapshotId}`);
  }
  async exportSnapshot(snapshotId: string, file: string): Promise<void> {
    this.asked.push(`export ${snapshotId} to ${file}`);
  }
  async importSnapshot(file: string, workspaceRoot: string): Promise<SnapshotRecord> {
    this.asked.push(`import ${file} for ${workspaceRoot}`);
    return fakeSnapshot({ id: "imported", cause: "import" });
  }
  async restoreWorkspace(snapshotId: string): Promise<ChangeSetRecord> {
    this.asked.push(`restore ${snapshotId}`);
    return fakeChangeSet({ snapshotId });
  }
  async restoreSession(snapshotId: string, target: Target, sessionId?: string): Promise<SessionRecord> {
    this.asked.push(`restore ${snapshotId} on ${target.providerId} in ${sessionId ?? "a new session"}`);
    return fakeSession({ id: "restored", target, restoredFrom: snapshotId });
  }
  async findSecrets(): Promise<readonly SecretFinding[]> {
    return this.secrets;
  }
  async forkSession(sessionId: string, target?: Target): Promise<SessionRecord> {
    this.asked.push(`fork ${sessionId} on ${target?.providerId ?? "the same"}`);
    return fakeSession({ id: "fork" });
  }
  async listChangeSets(): Promise<readonly ChangeSetRecord[]> {
    return this.changeSets;
  }
  async pullSession(sessionId: string): Promise<ChangeSetRecord> {
    this.asked.push(`pull ${sessionId}`);
    return fakeChangeSet({ title: "Changes in ws", cause: "pull", sessionId });
  }
  async readStorage(): Promise<StorageReport> {
    return {
      snapshotCount: 12,
      storedBytes: 3_500_000,
      policy: { maxSnapshots: 200, maxAgeDays: 30, maxTotalMiB: 4096 },
    };
  }
  async setRetention({ maxSnapshots, maxAgeDays, maxTotalMiB }: RetentionPolicy): Promise<void> {
    this.asked.push(`keep ${maxSnapshots}, ${maxAgeDays} days, ${maxTotalMiB} MiB`);
  }

  async startRun(request: RunRequest): Promise<RunRecord> {
    this.requests.push(request);
    const { command, workspaceRoot, target } = request;
    const run = liveRun({
      id: `run-${this.requests.length}`,
      command,
      workspaceRoot,
      target,
      title: request.title ?? "untitled",
    });
    this.runs.unshift(run);
    return run;
  }
  async writeInput(runId: string, data: Uint8Array): Promise<void> {
    this.asked.push(`write ${runId} ${JSON.stringify(Buffer.from(data).toString())}`);
  }
  async closeInput(runId: string): Promise<void> {
    this.asked.push(`close ${runId}`);
  }
  async resizeRun(runId: string, { columns, rows }: { columns: number; rows: number }): Promise<void> {
    this.asked.push(`resize ${runId} ${columns}x${rows}`);
  }
  async stopRun(runId: string, force: boolean): Promise<void> {
    this.asked.push(`${force ? "kill" : "stop"} ${runId}`);
  }
  async startSession(): Promise<SessionRecord> {
    throw new Error("not asked for by these tests");
  }
  async destroySession(sessionId: string): Promise<void> {
    this.asked.push(`destroy ${sessionId}`);
  }
  async listRuns(): Promise<readonly RunRecord[]> {
    return this.runs;
  }
  async listSessions(): Promise<readonly SessionRecord[]> {
    return this.sessions;
  }
  async readChanges(): Promise<readonly ReviewedChange[]> {
    return this.changes;
  }
  async applyChanges(runId: string, paths: PathSelection, overwrite: readonly string[]): Promise<ApplyResult> {
    this.asked.push(`apply ${runId} ${String(paths)} over ${overwrite.join()}`);
    this.#decide(paths, "applied");
    return this.applyResult ?? { applied: paths === "all" ? [] : paths, merged: [], conflicts: [], held: [] };
  }
  async discardChanges(runId: string, paths: PathSelection): Promise<void> {
    this.asked.push(`discard ${runId} ${String(paths)}`);
    this.#decide(paths, "discarded");
  }
  #decide(paths: PathSelection, decision: ReviewedChange["decision"]): void {
    this.changes = this.changes.map((change) =>
      paths === "all" || paths.includes(change.path) ? { ...change, decision } : change,
    );
  }
  async checkTarget(): Promise<void> {}

  dispose(): void {
    this.events.dispose();
  }
}

export function linkTo(engine: FakeEngine): EngineLink {
  return new EngineLink(async () => engine, silentLogger);
}

/** Resolves once everything that is ready to happen has happened. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
}
