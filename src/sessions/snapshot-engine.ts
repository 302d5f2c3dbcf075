import type { SecretFinding } from "../snapshots/secrets/secret-finding.ts";
import type { SessionRecord, Target } from "./records.ts";
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
} from "./snapshot-records.ts";

/** The part of the engine that keeps snapshots, restores them and says what a push would send. */
export interface SnapshotEngine {
  /** Newest first, of every workspace. */
  listSnapshots(): Promise<readonly SnapshotRecord[]>;
  /** A named snapshot is kept for good; with the name left out it is kept as automatic ones are. */
  takeSnapshot(source: SnapshotSource, name?: string): Promise<SnapshotRecord>;
  /** In path order. */
  listSnapshotFiles(snapshotId: string): Promise<readonly SnapshotFile[]>;
  /** From the older to the newer as given, in path order. */
  diffSnapshots(fromId: string, toId: string): Promise<readonly SnapshotChange[]>;
  /** An empty name removes it. */
  updateSnapshot(
    snapshotId: string,
    change: { readonly name?: string; readonly isPinned?: boolean },
  ): Promise<SnapshotRecord>;
  /** Idempotent. */
  deleteSnapshot(snapshotId: string): Promise<void>;
  /** Writes one file that {@link importSnapshot} takes, on any machine. @throws {SandboxError} `conflict` when it is there */
  exportSnapshot(snapshotId: string, file: string): Promise<void>;
  importSnapshot(file: string, workspaceRoot: string): Promise<SnapshotRecord>;
  /**
   * What it takes to bring the workspace back to the snapshot, as a change set to decide. Takes a snapshot of the
   * workspace first. Paths that the snapshot could not hold (left out by a rule, too large) are never deleted.
   */
  restoreWorkspace(snapshotId: string, maxFileMiB: number): Promise<ChangeSetRecord>;
  /**
   * A session whose sandbox holds the snapshot's files: a new one on the target, or an existing one, whose files are
   * replaced (they are kept in a snapshot first). The next run in it sends what has changed in the workspace since.
   */
  restoreSession(snapshotId: string, target: Target, sessionId?: string): Promise<SessionRecord>;
  /** Credentials in the snapshot's files that are not allowed in its workspace; a session is restored only without any. */
  findSecrets(snapshotId: string): Promise<readonly SecretFinding[]>;
  /** A second session that goes on from what the first one's sandbox holds now, on that target or the same. */
  forkSession(sessionId: string, target?: Target): Promise<SessionRecord>;
  /** Newest first; those that are decided are forgotten after a while. */
  listChangeSets(): Promise<readonly ChangeSetRecord[]>;
  /** What the session's sandbox holds now and nobody has decided about, as a change set. */
  pullSession(sessionId: string): Promise<ChangeSetRecord>;
  previewUpload(request: PreviewRequest): Promise<UploadPreview>;
  /** Lets credentials with these fingerprints through in that workspace from now on. */
  allowSecrets(workspaceRoot: string, fingerprints: readonly string[]): Promise<void>;
  readStorage(): Promise<StorageReport>;
  /** Kept for every door; takes effect at once. */
  setRetention(policy: RetentionPolicy): Promise<void>;
}
