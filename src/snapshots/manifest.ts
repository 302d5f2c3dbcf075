import { comparePaths } from "../core/workspace-path.ts";

/** One path of a snapshot. Folders are entries only when they are empty; others follow from what is in them. */
export type Entry =
  | {
      readonly type: "file";
      /** Of the content, in hex. */ readonly sha256: string;
      readonly sizeBytes: number;
      readonly executable: boolean;
    }
  /** The target is kept as text and never followed. */
  | { readonly type: "link"; readonly target: string }
  | { readonly type: "directory" };

/** Safe path relative to the workspace -> entry, in the order of {@link comparePaths}. */
export type Manifest = ReadonlyMap<string, Entry>;

/** Whether two entries are the same to the byte, mode and link; undefined stands for "not there". */
export function isSameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  if (a.type === "file") return b.type === "file" && a.sha256 === b.sha256 && a.executable === b.executable;
  if (a.type === "link") return b.type === "link" && a.target === b.target;
  return b.type === "directory";
}

/** Sorts entries into a {@link Manifest}. A path that comes twice keeps its last entry. */
export function toManifest(entries: Iterable<readonly [string, Entry]>): Manifest {
  return new Map([...new Map(entries)].sort(([a], [b]) => comparePaths(a, b)));
}

/** What to do to `from` to obtain `to`; each list in the order of {@link comparePaths}. */
export interface ManifestDiff {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
}

export function diffManifests(from: Manifest, to: Manifest): ManifestDiff {
  const paths = [...to.keys()];
  return {
    added: paths.filter((path) => !from.has(path)),
    changed: paths.filter((path) => from.has(path) && !isSameEntry(from.get(path), to.get(path))),
    deleted: [...from.keys()].filter((path) => !to.has(path)),
  };
}
