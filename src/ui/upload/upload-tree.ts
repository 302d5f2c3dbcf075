import type { SkippedPath } from "../../snapshots/scan/scanner.ts";
import type { SecretFinding } from "../../snapshots/secrets/secret-finding.ts";
import type { UploadPreview } from "../../sessions/snapshot-records.ts";

/** A folder of what would be sent, with everything below it summed up. */
export interface FolderNode {
  readonly kind: "folder";
  /** "" for the workspace itself. */
  readonly path: string;
  readonly name: string;
  readonly fileCount: number;
  readonly sizeBytes: number;
}

export interface FileNode {
  readonly kind: "file";
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly isSent: boolean;
}

/** What stays here, by why. */
export type SkippedGroup = "secret" | "too-large" | "rule" | "other";

export type UploadNode =
  | FolderNode
  | FileNode
  | { readonly kind: "group"; readonly group: SkippedGroup | "findings"; readonly count: number }
  | { readonly kind: "skipped"; readonly skipped: SkippedPath }
  | { readonly kind: "finding"; readonly finding: SecretFinding };

export type UploadOrder = "size" | "name";

const GROUPS: readonly SkippedGroup[] = ["secret", "too-large", "rule", "other"];

interface Folder {
  readonly folders: Map<string, Folder>;
  readonly files: FileNode[];
  readonly path: string;
  readonly name: string;
  readonly parent: Folder | undefined;
  fileCount: number;
  sizeBytes: number;
}

/** A preview as a tree: built once in one pass, its rows made when somebody opens their folder. */
export class UploadTree {
  readonly preview: UploadPreview;
  readonly #root: Folder = makeFolder("", undefined);
  readonly #folders = new Map<string, Folder>([["", this.#root]]);

  constructor(preview: UploadPreview) {
    this.preview = preview;
    for (const { path, sizeBytes, isSent } of preview.files) {
      const folder = this.#enter(toParent(path));
      folder.files.push({ kind: "file", path, name: toName(path), sizeBytes, isSent });
      for (let at: Folder | undefined = folder; at; at = at.parent) {
        at.fileCount += 1;
        at.sizeBytes += sizeBytes;
      }
    }
  }

  /** Rows below a row, or the top rows: what asks for a decision first, then what is sent, then what stays here. */
  childrenOf(node: UploadNode | undefined, order: UploadOrder): readonly UploadNode[] {
    if (!node) return this.#top(order);
    if (node.kind === "folder") return this.#listFolder(node.path, order);
    if (node.kind !== "group") return [];
    if (node.group === "findings") return this.preview.findings.map((finding) => ({ kind: "finding", finding }));
    return this.#skippedIn(node.group).map((skipped) => ({ kind: "skipped", skipped }));
  }

  #top(order: UploadOrder): readonly UploadNode[] {
    const findings = this.preview.findings.length;
    const groups = GROUPS.map((group) => ({ kind: "group", group, count: this.#skippedIn(group).length }) as const);
    return [
      ...(findings > 0 ? [{ kind: "group", group: "findings", count: findings } as const] : []),
      ...groups.filter(({ group, count }) => group === "secret" && count > 0),
      ...this.#listFolder("", order),
      ...groups.filter(({ group, count }) => group !== "secret" && count > 0),
    ];
  }

  #listFolder(path: string, order: UploadOrder): readonly UploadNode[] {
    const folder = this.#folders.get(path);
    if (!folder) return [];
    const folders = [...folder.folders.values()].map(toNode);
    if (order === "size") return [...folders, ...folder.files].sort((a, b) => b.sizeBytes - a.sizeBytes);
    return [...folders.sort(byName), ...[...folder.files].sort(byName)];
  }

  #skippedIn(group: SkippedGroup): readonly SkippedPath[] {
    return this.preview.skipped.filter(({ kind }) => groupOf(kind) === group);
  }

  #enter(path: string): Folder {
    const known = this.#folders.get(path);
    if (known) return known;
    const parent = this.#enter(toParent(path));
    const folder = makeFolder(path, parent);
    parent.folders.set(folder.name, folder);
    this.#folders.set(path, folder);
    return folder;
  }
}

function makeFolder(path: string, parent: Folder | undefined): Folder {
  return { path, name: toName(path), parent, folders: new Map(), files: [], fileCount: 0, sizeBytes: 0 };
}

function toParent(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function toName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function toNode({ path, name, fileCount, sizeBytes }: Folder): FolderNode {
  return { kind: "folder", path, name, fileCount, sizeBytes };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name.localeCompare(b.name);
}

function groupOf(kind: SkippedPath["kind"]): SkippedGroup {
  if (kind === "secret" || kind === "too-large") return kind;
  return kind === "rule" || kind === "built-in" ? "rule" : "other";
}
