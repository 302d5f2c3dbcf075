import { type Entry, isSameEntry, type Manifest } from "../../snapshots/manifest.ts";

/** Bytes of `wanted` that need not be sent where `tree` is already. */
function sumSpared(wanted: Manifest, tree: Manifest): number {
  let spared = 0;
  for (const [path, entry] of wanted) if (isSameEntry(entry, tree.get(path))) spared += toSize(entry);
  return spared;
}

/** What spares most, and at least `minBytes`; the first of equals. */
export function chooseNearest<T extends { readonly tree: Manifest }>(
  wanted: Manifest,
  candidates: readonly T[],
  minBytes: number,
): T | undefined {
  let best: { readonly candidate: T; readonly spared: number } | undefined;
  for (const candidate of candidates) {
    const spared = sumSpared(wanted, candidate.tree);
    if (spared >= minBytes && spared > (best?.spared ?? -1)) best = { candidate, spared };
  }
  return best?.candidate;
}

function toSize(entry: Entry): number {
  return entry.type === "file" ? entry.sizeBytes : 0;
}
