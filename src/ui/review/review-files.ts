import * as vscode from "vscode";
import type { ReviewedChange, RunRecord } from "../../sessions/records.ts";
import type { SnapshotRecord } from "../../sessions/snapshot-records.ts";
import type { Entry } from "../../snapshots/manifest.ts";
import type { EngineLink } from "../engine-link.ts";
import { createListingCache, type FindEntry } from "./listing-cache.ts";
import type { ReviewSubject } from "./review-subject.ts";

/** The scheme under which VS Code sees what is in a sandbox or a snapshot. */
export const SCHEME = "sandpiper";
const LOG_QUERY = "log";
/** Larger files are not shown. */
export const MAX_SHOWN_BYTES = 64 * 1024 * 1024;

/** Where contents come from. */
export interface ReviewFilesDeps {
  readonly link: EngineLink;
  /** The content with that hash. */
  readonly readObject: (sha256: string) => AsyncIterable<Uint8Array>;
  readonly logFileOf: (runId: string) => string;
}

type FileEntry = Extract<Entry, { type: "file" }>;

/**
 * The file as a run left it, or as a change set has it, for VS Code to open with whatever viewer fits it. Its path is that
 * of the file here, so that diffs are headed by one name and not by two.
 */
export function toTheirsUri(subject: Pick<ReviewSubject, "id" | "workspaceRoot">, path: string): vscode.Uri {
  return toUri(subject.id, subject.workspaceRoot, path, `file=${path}`);
}

/** The file as it was sent, before either side changed it. */
export function toBaseUri(subject: Pick<ReviewSubject, "id" | "workspaceRoot">, path: string): vscode.Uri {
  return toUri(subject.id, subject.workspaceRoot, path, `base=${path}`);
}

/** What applying a change would write where both sides have changed. Its content is named, for it follows the disk. */
export function toMergedUri(
  subject: Pick<ReviewSubject, "id" | "workspaceRoot">,
  path: string,
  merged: FileEntry,
): vscode.Uri {
  return toUri(subject.id, subject.workspaceRoot, path, `merged=${merged.sha256},${merged.sizeBytes}`);
}

/** The file as a snapshot has it. */
export function toSnapshotUri(snapshot: Pick<SnapshotRecord, "id" | "workspaceRoot">, path: string): vscode.Uri {
  return toUri(snapshot.id, snapshot.workspaceRoot, path, `snapshot=${path}`);
}

function toUri(authority: string, workspaceRoot: string, path: string, query: string): vscode.Uri {
  const local = vscode.Uri.joinPath(vscode.Uri.file(workspaceRoot), path);
  return vscode.Uri.from({ scheme: SCHEME, authority, path: local.path, query });
}

/** The run's whole output as plain text. */
export function toLogUri(run: RunRecord): vscode.Uri {
  const name = run.title.replaceAll(/[^\w.:-]+/g, "_").slice(0, 80);
  return vscode.Uri.from({ scheme: SCHEME, authority: run.id, path: `/${name}.log`, query: LOG_QUERY });
}

/**
 * What is in sandboxes and snapshots, as read-only files: the authority is the run, change set or snapshot, the query says
 * which of its files.
 */
export class ReviewFiles implements vscode.FileSystemProvider {
  readonly #deps: ReviewFilesDeps;
  /** How to find a file, by the first word of the query. */
  readonly #finders: Readonly<Record<string, FindEntry>>;
  readonly #kept = new Map<string, Uint8Array>();
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changed.event;

  constructor(deps: ReviewFilesDeps) {
    this.#deps = deps;
    // What a run left and what a snapshot holds does not change, and editors ask for file after file of it.
    const theirs = createListingCache(async (id) =>
      (await this.readChanges(id)).flatMap((change) => (change.theirs ? [[change.path, change.theirs] as const] : [])),
    );
    const base = createListingCache(async (id) =>
      (await this.readChanges(id)).flatMap((change) => (change.base ? [[change.path, change.base] as const] : [])),
    );
    const snapshots = createListingCache(async (id) => {
      const files = await (await deps.link.get()).listSnapshotFiles(id);
      return files.map(({ path, entry }) => [path, entry] as const);
    });
    this.#finders = {
      file: theirs,
      base,
      snapshot: snapshots,
      merged: async (_id, content) => toMergedEntry(content),
    };
  }

  /** Keeps what a file holds now, for as long as this window lives: it may change while somebody looks at it. */
  keep(subject: Pick<ReviewSubject, "id" | "workspaceRoot">, path: string, content: Uint8Array): vscode.Uri {
    const uri = toUri(subject.id, subject.workspaceRoot, path, `kept=${path}`);
    this.#kept.set(uri.toString(), content);
    return uri;
  }

  /** Where the bytes of the run's output are on disk. */
  logFileOf(runId: string): string {
    return this.#deps.logFileOf(runId);
  }

  /** The changes of a run or a change set, held against the disk as it is now. */
  async readChanges(id: string): Promise<readonly ReviewedChange[]> {
    return (await this.#deps.link.get()).readChanges(id);
  }

  watch(): vscode.Disposable {
    // What a run left does not change.
    return { dispose: () => undefined };
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const base = { type: vscode.FileType.File, ctime: 0, mtime: 0, permissions: vscode.FilePermission.Readonly };
    if (uri.query === LOG_QUERY) {
      const file = await vscode.workspace.fs.stat(vscode.Uri.file(this.logFileOf(uri.authority)));
      return { ...base, mtime: file.mtime, size: file.size };
    }
    const kept = this.#kept.get(uri.toString());
    if (kept) return { ...base, size: kept.length };
    const entry = await this.#entryOf(uri);
    return { ...base, size: entry.type === "file" ? entry.sizeBytes : 0 };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    if (uri.query === LOG_QUERY) return this.#readLog(uri.authority);
    const kept = this.#kept.get(uri.toString());
    if (kept) return kept;
    const entry = await this.#entryOf(uri);
    if (entry.type !== "file") return Buffer.from(entry.type === "link" ? `-> ${entry.target}\n` : "");
    if (entry.sizeBytes > MAX_SHOWN_BYTES) {
      throw vscode.FileSystemError.Unavailable(vscode.l10n.t("The file is larger than 64 MiB. Apply it to see it."));
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#deps.readObject(entry.sha256)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  readDirectory(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  createDirectory(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  writeFile(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  delete(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  rename(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  async #entryOf(uri: vscode.Uri): Promise<Entry> {
    const at = uri.query.indexOf("=");
    const find = this.#finders[uri.query.slice(0, at)];
    const entry = await find?.(uri.authority, uri.query.slice(at + 1));
    if (!entry) throw vscode.FileSystemError.FileNotFound(uri);
    return entry;
  }

  async #readLog(runId: string): Promise<Uint8Array> {
    const { toPlainText } = await import("./to-plain-text.ts");
    return Buffer.from(toPlainText(await vscode.workspace.fs.readFile(vscode.Uri.file(this.logFileOf(runId)))));
  }
}

function toMergedEntry(content: string): FileEntry | undefined {
  const [sha256, sizeBytes] = content.split(",");
  return sha256 ? { type: "file", sha256, sizeBytes: Number(sizeBytes), executable: false } : undefined;
}
