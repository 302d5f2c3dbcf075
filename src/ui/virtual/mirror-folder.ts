import { lstat, mkdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import * as vscode from "vscode";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { toDisplay, whyUnsafePath } from "../../core/workspace-path.ts";

/** What a virtual file was when it was last the same as its mirror. */
interface Seen {
  readonly mtime: number;
  readonly sizeBytes: number;
}

/** What became of changes that were to go back. */
export interface WriteBack {
  readonly written: readonly string[];
  /** Changed there since, or what the folder cannot take: left alone. */
  readonly conflicts: readonly string[];
}

const MAX_FILES = 20_000;
const MAX_BYTES = 512 * 1024 * 1024;
/** Never sent, large, and slow to list where every folder is a request. */
const LEFT_OUT = new Set([".git", "node_modules", ".venv", "__pycache__"]);

/**
 * A copy on disk of a folder that a file system provider shows (a repository on a server, say): sandboxes are filled from
 * disks. Known files are told by their time and size, as the provider has them; only what differs is read.
 */
export class MirrorFolder {
  readonly #source: vscode.Uri;
  /** Beside it lies the list of what it holds. */
  readonly root: string;
  #seen: Map<string, Seen> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: vscode.Uri, root: string) {
    this.#source = source;
    this.root = root;
  }

  /** Makes the copy what the folder is now. @throws {SandboxError} `quota` when it is too large, `unavailable` when it cannot be read */
  refresh(): Promise<void> {
    return this.#queue(() => this.#refresh());
  }

  /** Writes these files of the copy, or their absence, to the folder; those that changed there since the copy was made are left alone. */
  writeBack(paths: readonly string[]): Promise<WriteBack> {
    return this.#queue(() => this.#writeBack(paths));
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #refresh(): Promise<void> {
    const seen = await this.#readSeen();
    const now = await this.#list();
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    for (const path of seen.keys()) {
      if (now.has(path)) continue;
      await rm(join(this.root, path), { force: true });
      seen.delete(path);
    }
    for (const [path, file] of now) {
      if (isSame(seen.get(path), file)) continue;
      await this.#fetch(path);
      seen.set(path, file);
    }
    await this.#saveSeen(seen);
  }

  async #writeBack(paths: readonly string[]): Promise<WriteBack> {
    const seen = await this.#readSeen();
    const written: string[] = [];
    const conflicts: string[] = [];
    for (const path of paths) {
      const isWritten = isSame(seen.get(path), await this.#stat(path)) && (await this.#put(path));
      (isWritten ? written : conflicts).push(path);
      const file = isWritten ? await this.#stat(path) : undefined;
      if (file) seen.set(path, file);
      else seen.delete(path);
      // The next refresh fetches what is there.
      if (!isWritten) await rm(join(this.root, path), { force: true, recursive: true });
    }
    await this.#saveSeen(seen);
    return { written, conflicts };
  }

  /** Every file, with what tells whether it changed. */
  async #list(): Promise<ReadonlyMap<string, Seen>> {
    const files = new Map<string, Seen>();
    let bytes = 0;
    const folders = [""];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const [path, isFolder] of await this.#listFolder(folder)) {
        if (isFolder) folders.push(path);
        const file = isFolder ? undefined : await this.#stat(path);
        if (!file) continue;
        files.set(path, file);
        bytes += file.sizeBytes;
        if (files.size > MAX_FILES || bytes > MAX_BYTES) throw tooLarge();
      }
    }
    return files;
  }

  /** Paths that can be sent, and whether each is a folder. A link is what it leads to, as providers show it; behind one to a folder there may be no end. */
  async #listFolder(folder: string): Promise<readonly (readonly [string, boolean])[]> {
    const { Directory, SymbolicLink } = vscode.FileType;
    const entries = await read(() => vscode.workspace.fs.readDirectory(this.#uriOf(folder)), folder);
    return entries
      .filter(([name, type]) => !LEFT_OUT.has(name) && !((type & Directory) !== 0 && (type & SymbolicLink) !== 0))
      .map(([name, type]) => [folder === "" ? name : `${folder}/${name}`, (type & Directory) !== 0] as const)
      .filter(([path]) => whyUnsafePath(path) === undefined);
  }

  async #fetch(path: string): Promise<void> {
    const data = await read(() => vscode.workspace.fs.readFile(this.#uriOf(path)), path);
    const file = join(this.root, path);
    await mkdir(dirname(file), { recursive: true });
    await this.#checkInside(dirname(file));
    // A link or an empty folder may be there.
    await rm(file, { recursive: true, force: true });
    await writeFile(file, data);
  }

  /** A run may have made a link of a folder: what is behind it is not ours to write. */
  async #checkInside(folder: string): Promise<void> {
    const [root, real] = [await realpath(this.root), await realpath(folder)];
    if (real === root || real.startsWith(root + sep)) return;
    throw new SandboxError("conflict", vscode.l10n.t("{0} is a link out of the copy of this folder.", folder));
  }

  /** @returns whether it was written; links are not, as providers know none, nor what cannot be */
  async #put(path: string): Promise<boolean> {
    const file = join(this.root, path);
    const stat = await lstat(file).catch(() => undefined);
    if (stat && !stat.isFile()) return false;
    try {
      // The provider makes the folders that are missing: its `writeFile` has to, by VS Code's rules.
      if (stat) await vscode.workspace.fs.writeFile(this.#uriOf(path), await readFile(file));
      else if (await this.#stat(path)) await vscode.workspace.fs.delete(this.#uriOf(path));
      return true;
    } catch {
      return false;
    }
  }

  async #stat(path: string): Promise<Seen | undefined> {
    try {
      const { mtime, size } = await vscode.workspace.fs.stat(this.#uriOf(path));
      return { mtime, sizeBytes: size };
    } catch {
      return undefined;
    }
  }

  async #readSeen(): Promise<Map<string, Seen>> {
    if (this.#seen) return this.#seen;
    const text = await readFile(`${this.root}.json`, "utf8").catch(() => "[]");
    this.#seen = toSeen(text);
    return this.#seen;
  }

  async #saveSeen(seen: ReadonlyMap<string, Seen>): Promise<void> {
    const draft = `${this.root}.json.tmp`;
    await writeFile(draft, JSON.stringify([...seen]), { mode: 0o600 });
    await rename(draft, `${this.root}.json`);
  }

  #uriOf(path: string): vscode.Uri {
    return vscode.Uri.joinPath(this.#source, path);
  }
}

/** Two that are not there are the same. */
function isSame(before: Seen | undefined, now: Seen | undefined): boolean {
  return before?.mtime === now?.mtime && before?.sizeBytes === now?.sizeBytes;
}

/** A list that cannot be read is one of nothing: every file is read again. */
function toSeen(text: string): Map<string, Seen> {
  try {
    const list: unknown = JSON.parse(text);
    return new Map(Array.isArray(list) ? list.filter(isRow) : []);
  } catch {
    return new Map();
  }
}

function isRow(row: unknown): row is [string, Seen] {
  if (!Array.isArray(row) || typeof row[0] !== "string") return false;
  const seen: unknown = row[1];
  return typeof seen === "object" && seen !== null && "mtime" in seen && "sizeBytes" in seen;
}

async function read<T>(work: () => Thenable<T>, path: string): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = vscode.l10n.t("{0} cannot be read: {1}. Try again.", toDisplay(path), toMessage(cause));
    throw new SandboxError("unavailable", message, { cause });
  }
}

function tooLarge(): SandboxError {
  return new SandboxError(
    "quota",
    vscode.l10n.t(
      "This folder is not on this machine's disk and is too large to copy here: more than {0} files or {1} MiB. Clone it and open the clone.",
      MAX_FILES,
      MAX_BYTES / 1024 / 1024,
    ),
  );
}
