import type { Boundary, NetworkPolicy, ProviderId } from "../core/provider.ts";
import type { ExitStatus } from "../core/sandbox.ts";
import type { ErrorCode } from "../core/sandbox-error.ts";
import type { Entry } from "../snapshots/manifest.ts";
import type { Rate } from "./cloud-records.ts";
import type { SecretFinding } from "../snapshots/secrets/secret-finding.ts";

/** Where to run: plain data, complete (defaults come from package.json for the editor, from `cli.ts` for the terminal). */
export interface Target {
  readonly providerId: ProviderId;
  /** What the provider itself understands, for example `{boundary: "gvisor"}` or `{context: "colima"}`. */
  readonly options: Readonly<Record<string, string>>;
  readonly image?: string;
  readonly network: NetworkPolicy;
  /** With the network policy `allow-list`, see `SandboxSpec.allowedHosts`. */
  readonly allowedHosts?: readonly string[];
  /** A GPU tier's id, or one with a count: "H100:2". */
  readonly gpu?: string;
  /** What to take, in this order, when the provider has no `gpu` free now; "cpu" is none at all. */
  readonly gpuFallbacks?: readonly string[];
  /** Ports that can be opened, for providers that have to know them at the start. */
  readonly ports?: readonly number[];
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly maxProcesses: number;
  readonly diskMiB: number;
  readonly lifetimeMs: number;
}

/** What to run. */
export type RunCommand =
  /** A file of the workspace, by the language map. `path` is relative to the workspace, POSIX. */
  | { readonly kind: "file"; readonly path: string; readonly args: readonly string[] }
  /** Code that is not a file on disk: it is sent as `path` (relative, must not exist yet) and removed afterwards. */
  | { readonly kind: "code"; readonly path: string; readonly text: string; readonly args: readonly string[] }
  | { readonly kind: "argv"; readonly argv: readonly string[] }
  /** A line for `sh -c`. */
  | { readonly kind: "line"; readonly line: string }
  /**
   * Code for an interpreter that keeps its state from cell to cell of the same file. `path` is the file that it stands in,
   * relative, POSIX; `language` as editors name it ("python").
   */
  | { readonly kind: "cell"; readonly path: string; readonly language: string; readonly code: string }
  /** An interactive shell; always with a terminal. */
  | { readonly kind: "shell" };

/** Text on screen that differs from the disk, laid over the snapshot. Relative POSIX path, whole text. */
export interface Overlay {
  readonly path: string;
  readonly text: string;
}

/** Program and leading arguments per file extension with dot (".py") or glob; the file and its arguments follow. */
export type LanguageMap = Readonly<Record<string, readonly string[]>>;

/** Everything a run needs, as plain data. */
export interface RunRequest {
  /** Absolute path of the folder to snapshot. */
  readonly workspaceRoot: string;
  readonly target: Target;
  readonly command: RunCommand;
  /** Where the command runs: a folder of the workspace, relative, POSIX; the workspace itself when left out. */
  readonly cwd?: string;
  readonly overlays: readonly Overlay[];
  /** Lays over the built-in map. */
  readonly languages: LanguageMap;
  readonly env: Readonly<Record<string, string>>;
  /** With a size the run gets a terminal and its output is one stream. */
  readonly pty?: { readonly columns: number; readonly rows: number };
  /** Stops the run after this long; 0 leaves it to the sandbox's lifetime. */
  readonly timeoutMs: number;
  /** Ends the run, and its sandbox, when the time that its command took has cost so much; on top of the user's own budgets. */
  readonly budgetUsd?: number;
  /** Who asked, for people: "editor", "cli". */
  readonly origin: string;
  /** The run's title, for people; made from the command when left out. */
  readonly title?: string;
  /** Ends the run when the client that asked disconnects; a window that reloads wants false. */
  readonly stopOnDisconnect: boolean;
  /** Whether files that the run changed are brought back as a change set. */
  readonly pull: boolean;
  /** Files larger than this are left out, and said so. */
  readonly maxFileMiB: number;
  /** A push that would send more than this is `blocked`. */
  readonly maxUploadMiB: number;
  /** Fingerprints of credentials that may be sent this once; "all" for whoever has looked already. */
  readonly allowedSecrets: readonly string[] | "all";
  /** Runs the files of that snapshot rather than those of the workspace. */
  readonly snapshotId?: string;
  /** The batch that it is one of, and which one, from 0. */
  readonly batch?: { readonly id: string; readonly index: number };
}

/** Our durable link of a workspace folder to a sandbox. */
export interface SessionRecord {
  readonly version: 1;
  readonly id: string;
  readonly name: string;
  readonly workspaceRoot: string;
  readonly target: Target;
  readonly boundary: Boundary;
  /** Unknown until the sandbox has been created; the record is on disk before. */
  readonly sandboxId?: string;
  /** `creating` that never becomes `ready` is swept; `ended` keeps the record until its runs are forgotten. */
  readonly state: "creating" | "ready" | "paused" | "destroying" | "ended";
  /** Why it ended, for people. */
  readonly endReason?: string;
  /** ISO 8601, as all times here. */
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly lastUsedAt: string;
  /** Names of the environment variables that its runs were given, in order; values are never kept. */
  readonly envNames?: readonly string[];
  /** The snapshot that its sandbox was filled from. */
  readonly restoredFrom?: string;
  /** Used by no run but the one that it was made for, and ended with it. */
  readonly isDetached?: boolean;
  /** The batch that its only run is one of: no snapshot is kept of it, and it is forgotten when it ends. */
  readonly batchId?: string;
  /** The GPU that it got: `target.gpu` or one of its fallbacks ("cpu"). */
  readonly gpu?: string;
  /** What it costs; missing when a price is not known. */
  readonly rate?: Rate;
  /** Since when it costs that, where that is not since it was created: it was paused before. */
  readonly meteredFrom?: string;
  /** What its first run has to be told of how it came about. */
  readonly startNotes?: readonly string[];
  readonly endedAt?: string;
  /** Idle, for whoever needs such a sandbox next; of no workspace until then. */
  readonly isWarm?: boolean;
  /** What the provider gave to go on with it by, while it is paused. */
  readonly pausedId?: string;
  /** The file system as it was at the end, where the target asked for it: an image of the provider's. */
  readonly exitImage?: string;
}

type RunState = "preparing" | "running" | "stopping" | "collecting" | "ended";

/** One command and what came of it. */
export interface RunRecord {
  readonly version: 1;
  readonly id: string;
  /** For people: "train.py", "train.py:10-14", "npm test", "Terminal". */
  readonly title: string;
  readonly workspaceRoot: string;
  readonly sessionId?: string;
  readonly target: Target;
  readonly boundary: Boundary;
  readonly command: RunCommand;
  readonly origin: string;
  readonly hasPty: boolean;
  readonly state: RunState;
  /** What a preparing or collecting run is doing, for people. */
  readonly progress?: string;
  readonly requestedAt: string;
  /** When the command itself started. */
  readonly startedAt?: string;
  /** When the command itself ended; what it changed is brought back after that. */
  readonly exitedAt?: string;
  readonly endedAt?: string;
  /** How the command ended; missing when it never started. */
  readonly exit?: ExitStatus;
  /** Why the run failed outside of the command: the sandbox could not be made, files could not be brought back. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** Set when the user, a time limit or a budget ended it. */
  readonly stopReason?: "user" | "timeout" | "disconnect" | "budget";
  /** What has to be decided before it can run; comes with an error `blocked`. */
  readonly blocked?: BlockedUpload;
  readonly changes?: ChangeCounts;
  /** Paths that were not sent, with the reason, at most 100; `skippedCount` is the truth. */
  readonly skipped?: readonly { readonly path: string; readonly reason: string }[];
  readonly skippedCount?: number;
  /** Warnings for people: files not brought back and why. */
  readonly notes?: readonly string[];
  /** The batch that it is one of, and which one, from 0. */
  readonly batch?: { readonly id: string; readonly index: number };
  /** What was sent before it: files, and their bytes uncompressed. */
  readonly sent?: { readonly fileCount: number; readonly totalBytes: number };
  readonly budgetUsd?: number;
  /** Of the time that its command ran, at its session's rate; missing when that is not known. */
  readonly costUsd?: number;
  /** Of a cell: how many its context has run, with it. */
  readonly cellCount?: number;
}

/** Why nothing was sent. */
export type BlockedUpload =
  | { readonly kind: "secrets"; readonly findings: readonly SecretFinding[] }
  | {
      readonly kind: "size";
      readonly totalBytes: number;
      readonly limitBytes: number;
      /** Folders (ending in "/") and files that take most, largest first, at most 10. */
      readonly largest: readonly { readonly path: string; readonly sizeBytes: number }[];
    };

export interface ChangeCounts {
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
  /** Still to be decided by the user. */
  readonly pending: number;
}

/** One file that a run changed. */
export interface Change {
  readonly path: string;
  readonly kind: "added" | "modified" | "deleted";
  /** As it was sent; missing when it was not there. */
  readonly base?: Entry;
  /** As the sandbox left it; missing when deleted. Contents are in the object store. */
  readonly theirs?: Entry;
  readonly decision: "pending" | "applied" | "discarded";
  /** Tools act on this file by themselves (`.vscode`, hooks, shell start-up files…): applied only when named. */
  readonly isProtected: boolean;
  /** Why, for people: "it says what your shell runs". */
  readonly protectedBecause?: string;
  /** For an added file: the deleted path of the same change set that had this content. */
  readonly renamedFrom?: string;
}

/** A change held against the disk as it is now. */
export interface ReviewedChange extends Change {
  /**
   * `ready` disk is as it was sent; `same` disk already has it; `merge` both changed, in different lines of a text, and
   * applying writes what {@link ReviewedChange.merged} is; `conflict` both changed.
   */
  readonly status: "ready" | "same" | "merge" | "conflict";
  readonly merged?: Extract<Entry, { type: "file" }>;
}
