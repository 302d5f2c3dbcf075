import type { ScanNews } from "./scanner.ts";
import { toRest, type View } from "./scan-workspace.ts";
import { diffTrees, type TreeDelta, toTreeManifest } from "../tree-delta.ts";

// Beyond this share of the entries, all of them are sent: patching costs more.
const MAX_DELTA_SHARE = 0.25;

/** What a view says to who was told another one, or none yet. */
export function toNews(told: View | undefined, view: View): Omit<ScanNews, "isVerified"> {
  const rest = toRest(view);
  if (!told) return { ...rest, manifest: toTreeManifest(view.root) };
  const delta = diffTrees(told.root, view.root);
  const skipped = isSameRows(told.skipped, view.skipped) ? "as before" : view.skipped;
  return { ...rest, skipped, manifest: toManifestNews(delta, view) };
}

function toManifestNews(delta: TreeDelta, { root }: View): ScanNews["manifest"] {
  if (delta.size === 0) return "as before";
  const manifest = delta.size > root.sums.entries * MAX_DELTA_SHARE ? toTreeManifest(root) : undefined;
  return manifest ?? { delta };
}

function isSameRows(a: View["skipped"], b: View["skipped"]): boolean {
  return a.length === b.length && a.every((row, at) => row.path === b[at]?.path && row.reason === b[at].reason);
}
