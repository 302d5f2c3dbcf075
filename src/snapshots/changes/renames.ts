import type { PlannedChange } from "./merge.ts";

// More with the same content are copies of a template, and which became which is anybody's guess.
const MAX_ALIKE = 100;

/**
 * Added path -> the deleted path that had the same content, for a set of changes in path order. Of several the one of
 * the same name, then the one in the nearest folder; each is taken once. Empty files are never told of: they are all
 * alike. A rename stays two changes, which are applied and decided each by itself; that they belong together is for
 * people to see.
 */
export function findRenames(changes: readonly PlannedChange[]): ReadonlyMap<string, string> {
  const deleted = groupByContent(changes, "deleted");
  const renames = new Map<string, string>();
  for (const [sha256, added] of groupByContent(changes, "added")) {
    const gone = deleted.get(sha256) ?? [];
    if (gone.length === 0 || gone.length > MAX_ALIKE || added.length > MAX_ALIKE) continue;
    for (const { from, to } of pair(added, gone)) renames.set(to, from);
  }
  return renames;
}

/** Marks each added change that is a rename with where it came from. */
export function withRenames<C extends PlannedChange>(
  changes: readonly C[],
): readonly (C & { readonly renamedFrom?: string })[] {
  const renames = findRenames(changes);
  return changes.map((change) => {
    const renamedFrom = renames.get(change.path);
    return renamedFrom === undefined ? change : { ...change, renamedFrom };
  });
}

function groupByContent(
  changes: readonly PlannedChange[],
  kind: "added" | "deleted",
): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const change of changes) {
    const entry = kind === "added" ? change.theirs : change.base;
    if (change.kind !== kind || entry?.type !== "file" || entry.sizeBytes === 0) continue;
    const paths = groups.get(entry.sha256);
    if (paths) paths.push(change.path);
    else groups.set(entry.sha256, [change.path]);
  }
  return groups;
}

interface Pair {
  readonly from: string;
  readonly to: string;
}

/** The nearest pairs first; among equals in path order. */
function pair(added: readonly string[], gone: readonly string[]): readonly Pair[] {
  const all = added
    .flatMap((to) => gone.map((from) => ({ from, to, distance: toDistance(from, to) })))
    .sort((a, b) => a.distance - b.distance);
  const taken = new Set<string>();
  return all.filter(({ from, to }) => {
    if (taken.has(`-${from}`) || taken.has(`+${to}`)) return false;
    taken.add(`-${from}`).add(`+${to}`);
    return true;
  });
}

/** Steps from one folder to the other; another name is further than any folder. */
function toDistance(from: string, to: string): number {
  const [a, b] = [from.split("/"), to.split("/")];
  const isSameName = a.pop() === b.pop();
  let common = 0;
  while (common < a.length && common < b.length && a[common] === b[common]) common++;
  return a.length + b.length - 2 * common + (isSameName ? 0 : 10_000);
}
