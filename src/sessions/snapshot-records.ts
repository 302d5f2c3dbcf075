import type { ProviderId } from "../core/provider.ts";
import type { Entry } from "../snapshots/manifest.ts";
import type { SecretFinding } from "../snapshots/secrets/secret-finding.ts";
import type { SkippedPath } from "../snapshots/scan/scanner.ts";
import type { ChangeCounts, Overlay, Target } from "./records.ts";

/** What made a snapshot: by itself at a push, a run's exit, before a sandbox ends or a restore writes; else by hand. */
export type SnapshotCause = "push" | "exit" | "destroy" | "expiry" | "restore" | "request" | "import";

/** One moment of a workspace's files on its timeline. What it holds is the tree; several records may share one. */
export interface SnapshotRecord {
  readonly version: 1;
  /** Sorts by time. */
  readonly id: string;
  /** Root hash of the files: equal for the same files, whenever and wherever they were taken. */
  readonly treeHash: string;
  /** The workspace as it was pushed when these files were in the sandbox; `treeHash` itself for a state of the workspace. */
  readonly baseTreeHash: string;
  readonly workspaceRoot: string;
  /** Given by the user. */
  readonly name?: string;
  /** Kept whatever retention says. */
  readonly isPinned: boolean;
  readonly cause: SnapshotCause;
  /** The session whose sandbox held it, and the run that had just pushed or ended there. */
  readonly sessionId?: string;
  readonly runId?: string;
  /** What the sandbox was made from; restoring offers the same. */
  readonly target?: Target;
  /** Names of the environment variables that runs in that session were given. Values are never kept. */
  readonly envNames: readonly string[];
  /** ISO 8601. */
  readonly createdAt: string;
  readonly fileCount: number;
  /** Of the files, uncompressed. */
  readonly totalBytes: number;
  /** A provider holds these files too, until then: a sandbox of its own gets them without their being sent. */
  readonly accelerated?: { readonly providerId: ProviderId; readonly until: string };
}

/** One path that differs between two snapshots. */
export interface SnapshotChange {
  readonly path: string;
  readonly kind: "added" | "modified" | "deleted";
  readonly before?: Entry;
  readonly after?: Entry;
  /** For an added path: the deleted path that had the same content. */
  readonly renamedFrom?: string;
}

/** One path of a snapshot. */
export interface SnapshotFile {
  readonly path: string;
  readonly entry: Entry;
}

/** How long snapshots are kept; pinned and named ones always are. */
export interface RetentionPolicy {
  /** Per workspace. */
  readonly maxSnapshots: number;
  readonly maxAgeDays: number;
  /** Of everything kept, as it lies on disk; the oldest go first. */
  readonly maxTotalMiB: number;
}

/** What snapshots take on disk. */
export interface StorageReport {
  readonly snapshotCount: number;
  /** Contents and trees, as they lie on disk. */
  readonly storedBytes: number;
  readonly policy: RetentionPolicy;
}

/** What to take a snapshot of: the workspace as it is on screen, or what a session's sandbox holds. */
export type SnapshotSource =
  | {
      readonly kind: "workspace";
      readonly workspaceRoot: string;
      readonly overlays: readonly Overlay[];
      readonly maxFileMiB: number;
    }
  | { readonly kind: "session"; readonly sessionId: string };

/** Changes that are no run's: what restoring a snapshot would do, or what a session's sandbox holds. Decided as a run's are. */
export interface ChangeSetRecord {
  readonly version: 1;
  readonly id: string;
  /** For people. */
  readonly title: string;
  readonly workspaceRoot: string;
  readonly cause: "restore" | "pull";
  readonly sessionId?: string;
  readonly snapshotId?: string;
  readonly createdAt: string;
  readonly changes: ChangeCounts;
}

/** What a push would send. */
export interface PreviewRequest {
  readonly workspaceRoot: string;
  readonly target: Target;
  readonly overlays: readonly Overlay[];
  readonly maxFileMiB: number;
}

/** A file of the workspace as the next push sees it. */
interface PreviewFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Whether the session's sandbox, if there is a warm one, lacks it. */
  readonly isSent: boolean;
}

/** What the next push to a target would send, and what stays here. */
export interface UploadPreview {
  /** In path order; links count as files of 0 bytes. */
  readonly files: readonly PreviewFile[];
  /** Of all files, and of those that are to be sent. */
  readonly totalBytes: number;
  readonly sentBytes: number;
  readonly sentCount: number;
  readonly skipped: readonly SkippedPath[];
  /** Of what is to be sent, without those that are allowed for good. */
  readonly findings: readonly SecretFinding[];
}
