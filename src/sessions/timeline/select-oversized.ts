import type { Manifest } from "../../snapshots/manifest.ts";
import type { SnapshotRecord } from "../snapshot-records.ts";
import { isKept } from "./snapshot-retention.ts";

/** What is kept, and how much of it may be. */
export interface OversizeRequest {
  /** Newest first. */
  readonly records: readonly SnapshotRecord[];
  /** @throws when it cannot be read: then it counts for nothing */
  readonly readTree: (treeHash: string) => Promise<Manifest>;
  /** Everything kept, as it lies on disk. */
  readonly storedBytes: number;
  readonly maxBytes: number;
}

/**
 * The snapshots to remove so that the others fit: the oldest, by what each adds to those that stay. What the user asked to
 * keep stays, and so does the newest of each workspace. Contents that are on disk and in no snapshot (they go by
 * themselves after a while) are no reason to give one up.
 */
export async function selectOversized(request: OversizeRequest): Promise<readonly SnapshotRecord[]> {
  const { records, storedBytes, maxBytes } = request;
  if (storedBytes <= maxBytes) return [];
  const workspaces = new Set<string>();
  const staying = new Set(records.filter((record) => isKept(record) || isFirst(workspaces, record.workspaceRoot)));
  const counted = new Set<string>();
  const rest: { readonly record: SnapshotRecord; readonly totalBytes: number }[] = [];
  let totalBytes = 0;
  for (const record of staying) totalBytes += await countNew(request, record, counted);
  for (const record of records) {
    if (staying.has(record)) continue;
    totalBytes += await countNew(request, record, counted);
    rest.push({ record, totalBytes });
  }
  // What files take on disk, compressed, as a share of their sizes.
  const share = Math.min(1, storedBytes / Math.max(1, totalBytes));
  return rest.filter((entry) => entry.totalBytes * share > maxBytes).map(({ record }) => record);
}

function isFirst(seen: Set<string>, name: string): boolean {
  if (seen.has(name)) return false;
  seen.add(name);
  return true;
}

/** Bytes of contents that none of the trees before had. */
async function countNew(
  { readTree }: OversizeRequest,
  { treeHash, baseTreeHash }: SnapshotRecord,
  counted: Set<string>,
): Promise<number> {
  let bytes = 0;
  for (const hash of new Set([treeHash, baseTreeHash])) {
    if (!isFirst(counted, hash)) continue;
    const tree = await readTree(hash).catch(() => undefined);
    for (const entry of tree?.values() ?? [])
      if (entry.type === "file" && isFirst(counted, entry.sha256)) bytes += entry.sizeBytes;
  }
  return bytes;
}
