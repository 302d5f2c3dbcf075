import { toDisplay } from "../core/workspace-path.ts";
import type { SnapshotChange, SnapshotFile, SnapshotRecord } from "../sessions/snapshot-records.ts";
import { describeFiles, describeSize } from "../sessions/describe-size.ts";

/** What made it, in plain words. */
function describeCause({ cause, target }: SnapshotRecord): string {
  const causes: Readonly<Record<SnapshotRecord["cause"], string>> = {
    push: target ? `sent to ${target.providerId}` : "sent to a sandbox",
    exit: "after a run",
    destroy: "before the sandbox ended",
    expiry: "before the sandbox ended",
    restore: "before a restore",
    request: "taken by hand",
    import: "imported",
  };
  return causes[cause];
}

/** A row of the list: id, time, what made it or its name, what it holds, whose it is. */
export function describeSnapshot(snapshot: SnapshotRecord, withWorkspace: boolean): string {
  const { id, createdAt, name, isPinned, fileCount, totalBytes, sessionId, workspaceRoot, accelerated } = snapshot;
  return [
    id,
    `${createdAt.slice(0, 16).replace("T", " ")} UTC`,
    name === undefined ? describeCause(snapshot) : `"${toDisplay(name)}" (${describeCause(snapshot)})`,
    `${describeFiles(fileCount)}, ${describeSize(totalBytes)}`,
    ...(isPinned ? ["pinned"] : []),
    ...(accelerated ? [`at ${accelerated.providerId} until ${accelerated.until.slice(0, 10)}`] : []),
    ...(sessionId === undefined ? [] : [`session ${sessionId}`]),
    ...(withWorkspace ? [toDisplay(workspaceRoot)] : []),
  ].join("  ");
}

const LETTERS = { added: "A", modified: "M", deleted: "D" } as const;

/**
 * As `git diff --name-status` has it, a line each: A, M, D and the path, or R and both paths. The deleted half of a
 * rename has no line of its own.
 */
export function describeDiff(changes: readonly SnapshotChange[]): readonly string[] {
  const moved = new Set(changes.flatMap(({ renamedFrom }) => renamedFrom ?? []));
  return changes
    .filter(({ kind, path }) => kind !== "deleted" || !moved.has(path))
    .map(({ kind, path, renamedFrom }) =>
      renamedFrom === undefined
        ? `${LETTERS[kind]}\t${toDisplay(path)}`
        : `R\t${toDisplay(renamedFrom)}\t${toDisplay(path)}`,
    );
}

/** A row of what a snapshot holds: mode, size, path, as `ls -l` has it. */
export function describeFile({ path, entry }: SnapshotFile): string {
  switch (entry.type) {
    case "file":
      return `${entry.executable ? "x" : "-"}  ${describeSize(entry.sizeBytes).padStart(9)}  ${toDisplay(path)}`;
    case "link":
      return `l  ${" ".repeat(9)}  ${toDisplay(path)} -> ${toDisplay(entry.target)}`;
    case "directory":
      return `d  ${" ".repeat(9)}  ${toDisplay(path)}/`;
  }
}
