import * as vscode from "vscode";
import type { ReviewedChange, RunRecord } from "../../sessions/records.ts";
import type { EngineLink } from "../engine-link.ts";
import { EscapeFilter } from "../terminal/escape-filter.ts";

/** The scheme under which VS Code sees what is in a sandbox. */
export const SCHEME = "sandpiper";
const FILE_QUERY = "file=";
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

/**
 * The file as a run left it, for VS Code to open with whatever viewer fits it. Its path is that of the file here, so that
 * diffs are headed by one name and not by two.
 */
export function toSandboxUri(run: RunRecord, path: string): vscode.Uri {
  const local = vscode.Uri.joinPath(vscode.Uri.file(run.workspaceRoot), path);
  return vscode.Uri.from({ scheme: SCHEME, authority: run.id, path: local.path, query: FILE_QUERY + path });
}

/** The run's whole output as plain text. */
export function toLogUri(run: RunRecord): vscode.Uri {
  const name = run.title.replaceAll(/[^\w.:-]+/g, "_").slice(0, 80);
  return vscode.Uri.from({ scheme: SCHEME, authority: run.id, path: `/${name}.log`, query: LOG_QUERY });
}

/** What is in sandboxes, as read-only files: the authority is the run, the query says which of its files. */
export class ReviewFiles implements vscode.FileSystemProvider {
  readonly #deps: ReviewFilesDeps;
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changed.event;

  constructor(deps: ReviewFilesDeps) {
    this.#deps = deps;
  }

  /** Where the bytes of the run's output are on disk. */
  logFileOf(runId: string): string {
    return this.#deps.logFileOf(runId);
  }

  /** The run's changes, held against the disk as it is now. */
  async readChanges(runId: string): Promise<readonly ReviewedChange[]> {
    return (await this.#deps.link.get()).readChanges(runId);
  }

  watch(): vscode.Disposable {
    // What a run left does not change.
    return { dispose: () => undefined };
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const base = { type: vscode.FileType.File, ctime: 0, mtime: 0, permissions: vscode.FilePermission.Readonly };
    const { runId, path } = parse(uri);
    if (path === undefined) {
      const file = await vscode.workspace.fs.stat(vscode.Uri.file(this.logFileOf(runId)));
      return { ...base, mtime: file.mtime, size: file.size };
    }
    const entry = await this.#entryOf(uri);
    return { ...base, size: entry.type === "file" ? entry.sizeBytes : 0 };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const { runId, path } = parse(uri);
    if (path === undefined) return this.#readLog(runId);
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

  async #entryOf(uri: vscode.Uri): Promise<NonNullable<ReviewedChange["theirs"]>> {
    const { runId, path } = parse(uri);
    const change = (await this.readChanges(runId)).find((each) => each.path === path);
    if (!change?.theirs) throw vscode.FileSystemError.FileNotFound(uri);
    return change.theirs;
  }

  async #readLog(runId: string): Promise<Uint8Array> {
    return Buffer.from(toPlainText(await vscode.workspace.fs.readFile(vscode.Uri.file(this.logFileOf(runId)))));
  }
}

/** Output as text for an editor: without sequences, with the lines as they were last overwritten. */
export function toPlainText(output: Uint8Array): string {
  return (
    new EscapeFilter()
      .write(output)
      // oxlint-disable-next-line no-control-regex -- the sequences that the filter lets through
      .replaceAll(/\u001b(?:\][^\u001b]*\u001b\\|\[[0-9;:?]*[ ]?[@-~]|[()*+]?.)/gs, "")
      .replaceAll(/\r+\n/g, "\n")
      .replaceAll(/[^\n]*\r(?=[^\n])/g, "")
      // oxlint-disable-next-line no-control-regex -- what is left of cursor keys and bells
      .replaceAll(/[\u0007\b\u000e\u000f]/g, "")
  );
}

function parse(uri: vscode.Uri): { readonly runId: string; readonly path?: string } {
  if (uri.query === LOG_QUERY) return { runId: uri.authority };
  if (uri.query.startsWith(FILE_QUERY)) return { runId: uri.authority, path: uri.query.slice(FILE_QUERY.length) };
  throw vscode.FileSystemError.FileNotFound(uri);
}
